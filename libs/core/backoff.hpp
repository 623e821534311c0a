#pragma once
// How long to wait before the next attempt. A value, one thread.
#include <algorithm>
#include <chrono>

namespace orderflow {

// 50 ms doubling to 5 s, or as told.
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
