#pragma once
// Decides whether a loop that works in batches waits for more records before it starts a batch.
// This is the one place that decides between latency at low load and few, full batches at middle
// and high load. Used by the command loops, the batch consumer and the loop for payment's results.
// Each of them owns one; one thread.
#include <chrono>
#include <cstddef>

namespace orderflow {

struct GatherLimits {
    std::size_t max_records = 500;             // in one batch
    double gather_rate = 150;                  // records per second; below it, no batch waits
    std::chrono::milliseconds gather_time{1};  // the longest wait, from the first record on
    // A batch of so many records waits until `gather_least` only.
    std::size_t gather_records = 128;
    std::chrono::milliseconds gather_least{0};
    // The longest wait while the batch has only records that can wait: no next step follows from
    // them.
    std::chrono::milliseconds can_wait_time{100};
    // For records that come in bursts: a batch does not wait any longer if no record came during
    // this time. Zero: there is no such limit.
    std::chrono::milliseconds gather_gap{0};
};

// A transaction, a produce request or a fetch costs far more than the record in it. So a batch
// waits for more records when they come at `gather_rate` or faster, and at low load nothing waits.
class Gathering {
public:
    using Clock = std::chrono::steady_clock;

    explicit Gathering(GatherLimits limits = {}) : limits_(limits) {}

    const GatherLimits& limits() const { return limits_; }

    // How long a batch may wait for more records; zero: not at all. It holds `records` now, and the
    // first of them came at `first`. `can_wait`: all of them can wait.
    std::chrono::microseconds patience(std::size_t records, Clock::time_point first,
                                       Clock::time_point now, bool can_wait = false) const;

    // Must be called when a batch begins; `records`: how many it has. Zero changes nothing.
    void taken(std::size_t records, Clock::time_point now);

private:
    // Records per second in about the last half second, as of `now`.
    double rate(Clock::time_point now) const;

    GatherLimits limits_;
    double rate_ = 0;  // as of last_
    Clock::time_point last_{};
};

}  // namespace orderflow
