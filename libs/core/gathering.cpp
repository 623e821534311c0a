#include "core/gathering.hpp"

#include <algorithm>
#include <cmath>

namespace orderflow {
namespace {

constexpr std::chrono::duration<double> kMemory{0.5};

}  // namespace

std::chrono::microseconds Gathering::patience(std::size_t records, Clock::time_point first,
                                              Clock::time_point now) const {
    if (records >= limits_.gather_records || rate(now) < limits_.gather_rate) return {};
    const auto wait = first + limits_.gather_time - now;
    return std::max(std::chrono::ceil<std::chrono::microseconds>(wait), {});
}

void Gathering::taken(std::size_t records, Clock::time_point now) {
    if (records == 0) return;
    rate_ = rate(now) + static_cast<double>(records) / kMemory.count();
    last_ = now;
}

double Gathering::rate(Clock::time_point now) const {
    return rate_ * std::exp(-std::chrono::duration<double>(now - last_) / kMemory);
}

}  // namespace orderflow
