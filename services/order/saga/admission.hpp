#pragma once
// The speed at which orders are accepted: no faster than the services complete them. SagaHandler
// measures, on the consumer loop's thread; the accept loop pauses, on its own.
#include <atomic>
#include <chrono>

namespace orderflow::order {

// Measures how far the services are behind, and computes how long the accept loop pauses between
// two commits. So clients that wait for an answer before they send more are slowed down to the
// speed of the services, and the services stay some hundred milliseconds behind at most. No request
// is refused. Example: the quickest order took 300 ms. That is 200 ms above the limit of 100 ms,
// and the pause is an eighth of it, 25 ms. Thread-safe.
class Admission {
public:
    using Clock = std::chrono::steady_clock;

    // `quickest`: of the orders that one batch has completed, the shortest time from placing to
    // completion, without the time of the payment: the gateway needs that time, and a pause here
    // would not shorten it.
    void completed(std::chrono::microseconds quickest, Clock::time_point now);

    std::chrono::milliseconds pause(Clock::time_point now) const;

private:
    std::atomic<std::chrono::microseconds> quickest_{};
    std::atomic<Clock::time_point> seen_{};
};

}  // namespace orderflow::order
