#include "order/saga/admission.hpp"

#include <algorithm>

namespace orderflow::order {

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

constexpr microseconds kNoPauseBelow{100'000};
constexpr milliseconds kLongestPause{50};
constexpr int kMicrosecondsPerPause = 8;       // each so much slower costs one of pause
constexpr milliseconds kSampleExpires{1'000};  // an older sample is ignored

}  // namespace

void Admission::completed(microseconds quickest, Clock::time_point now) {
    quickest_ = quickest;
    seen_ = now;
}

milliseconds Admission::pause(Clock::time_point now) const {
    if (now - seen_.load() > kSampleExpires) return milliseconds{0};
    const microseconds late = quickest_.load() - kNoPauseBelow;
    const auto pause = std::chrono::floor<milliseconds>(late / kMicrosecondsPerPause);
    return std::clamp(pause, milliseconds{0}, kLongestPause);
}

}  // namespace orderflow::order
