#include "core/safe_age.hpp"

#include <algorithm>

namespace orderflow {
namespace {

constexpr std::chrono::minutes kWindow{10};
constexpr std::chrono::minutes kTolerance{1};

}  // namespace

SafeAge::SafeAge(std::chrono::seconds age) : age_(age) {}

std::chrono::seconds SafeAge::window() const {
    return std::min<std::chrono::seconds>(age_, kWindow);
}

bool SafeAge::clocks_agree() const { return std::chrono::abs(difference_) < kTolerance; }

std::optional<Instant> SafeAge::look(Instant database, Instant process, Steady now) {
    difference_ = database - process;
    const Instant earlier = std::min(database, process);
    if (!current_) {
        current_ = Window{now};
        first_ = earlier;
        first_at_ = now;
    } else if (now - current_->begin >= window()) {
        before_ = current_->earliest;
        current_ = Window{now};
    }
    const auto passed = std::chrono::floor<std::chrono::microseconds>(now - first_at_);
    const Instant time = std::min(earlier, first_ + passed) - age_;
    current_->earliest = std::min(current_->earliest, time);
    if (!before_ || !clocks_agree()) return std::nullopt;
    return std::min(*before_, current_->earliest);
}

}  // namespace orderflow
