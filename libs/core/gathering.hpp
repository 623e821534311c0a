#pragma once
// When a loop that works in batches waits for more: the one place that decides between latency at
// low load and few, full batches at high load. Used by the accept path, the batch consumer, the
// relay and payment's result loop; each owns one.
#include <chrono>
#include <cstddef>

namespace orderflow {

struct GatherLimits {
    std::size_t max_records = 500;             // in one batch
    std::size_t gather_records = 128;          // enough: do not wait for more
    std::chrono::milliseconds gather_time{5};  // the longest wait
};

// After a batch of one or two records the next does not wait: at low load nothing waits. After a
// fuller one the loop gathers, because small batches at middle load would keep both cores busy.
class Gathering {
public:
    explicit Gathering(GatherLimits limits = {}) : limits_(limits) {}

    const GatherLimits& limits() const { return limits_; }

    // How long the batch that holds `records` now may wait for more.
    std::chrono::milliseconds patience(std::size_t records) const {
        const bool wait = last_ > 2 && records < limits_.gather_records;
        return wait ? limits_.gather_time : std::chrono::milliseconds{0};
    }

    void taken(std::size_t records) { last_ = records; }

private:
    GatherLimits limits_;
    std::size_t last_ = 0;
};

}  // namespace orderflow
