#pragma once
// How long to wait before the next attempt. Used by loops that try again after a failure. A value,
// one thread.
#include <algorithm>
#include <chrono>

namespace orderflow {

// Each wait is twice as long as the one before, from `shortest` up to `longest`. By default: 50 ms,
// 100 ms, 200 ms, …, 5 s, 5 s.
class Backoff {
public:
    explicit Backoff(std::chrono::milliseconds shortest = std::chrono::milliseconds{50},
                     std::chrono::milliseconds longest = std::chrono::milliseconds{5'000})
        : shortest_(shortest), longest_(longest) {}

    std::chrono::milliseconds next() {
        wait_ = std::clamp(wait_ * 2, shortest_, longest_);
        return wait_;
    }
    void reset() { wait_ = std::chrono::milliseconds{0}; }

private:
    const std::chrono::milliseconds shortest_, longest_;
    std::chrono::milliseconds wait_{0};
};

}  // namespace orderflow
