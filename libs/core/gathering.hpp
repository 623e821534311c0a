#pragma once
// Decides whether a loop that works in batches lingers, that is, waits a short time for more
// records before it starts a batch. This is the one place that decides between latency at low load
// and few, full batches at high load. Used by the accept path, the batch consumer, the relay and
// the loop for payment's results. Each of them owns one; one thread.
#include <chrono>
#include <cstddef>

namespace orderflow {

struct GatherLimits {
    std::size_t max_records = 500;             // in one batch
    std::size_t gather_records = 128;          // a batch of so many records does not wait for more
    std::chrono::milliseconds gather_time{5};  // the longest wait
};

// After a batch of one or two records the next batch does not wait, so nothing waits at low load.
// After a larger batch the loop lingers, because many small batches at middle load would keep both
// cores busy.
class Gathering {
public:
    explicit Gathering(GatherLimits limits = {}) : limits_(limits) {}

    const GatherLimits& limits() const { return limits_; }

    // How long a batch that holds `records` so far may wait for more.
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
