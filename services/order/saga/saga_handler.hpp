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

// The backlog of the saga, and the pause that placing therefore makes between two commits. Callers
// that wait for an answer before they send more are slowed down to the speed of the services, and
// the backlog stays at some hundred milliseconds. No request is refused for it. Thread-safe.
class Admission {
public:
    using Clock = std::chrono::steady_clock;

    // `quickest`: the time of the quickest of the orders that were completed together, without its
    // payment, because that is the gateway's time and no pause here would shorten it.
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
