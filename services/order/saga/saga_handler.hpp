#pragma once
// Which event triggers which rule. `SagaHandler` handles the participants' events on a consumer
// loop's thread; saga_commands.hpp handles HTTP requests.
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "kafka/delivery.hpp"
#include "loops/batch.hpp"
#include "order/saga/saga_store.hpp"
#include "outbox/unit_of_work.hpp"

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

class SagaHandler final : public loops::BatchHandler {
public:
    explicit SagaHandler(std::unique_ptr<SagaStore> store, Admission* admission = nullptr)
        : store_(std::move(store)), admission_(admission) {}

    bool handle(Instant now, std::span<const kafka::Delivery> batch,
                outbox::BatchOutput& out) override;
    void committed() override;

private:
    const std::unique_ptr<SagaStore> store_;
    Admission* const admission_;
    std::optional<std::chrono::microseconds> quickest_;  // of the last attempt
};

}  // namespace orderflow::order
