#include "core/gathering.hpp"

#include <algorithm>
#include <cmath>

namespace orderflow {
namespace {

constexpr std::chrono::duration<double> kMemory{0.5};

}  // namespace

std::chrono::microseconds Gathering::patience(std::size_t records, Clock::time_point first,
                                              Clock::time_point now, bool can_wait) const {
    if (records >= limits_.max_records || rate(now) < limits_.gather_rate) return {};
    const auto longest = records >= limits_.gather_records ? limits_.gather_least
                         : can_wait ? std::max(limits_.can_wait_time, limits_.gather_time)
                                    : limits_.gather_time;
    const auto wait = first + longest - now;
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
