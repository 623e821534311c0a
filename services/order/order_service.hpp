#pragma once
// Which event or request triggers which rule. `OrderService` handles the participants' events on a
// consumer loop's thread; `AcceptLoop` places what comes by HTTP.
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>

#include "messaging/loops.hpp"
#include "order/order_store.hpp"

namespace orderflow::order {

// How far the saga is behind, and how long placing therefore pauses between two commits: callers
// who wait for their answers before they send more are slowed down to what the services can do, and
// the backlog stays at some hundred milliseconds. Nobody is refused for it. Thread-safe.
class Admission {
public:
    using Clock = std::chrono::steady_clock;

    // The quickest of the orders that were completed together took so long, its payment left out:
    // that is the gateway's time, which no pause here would shorten.
    void completed(std::chrono::microseconds quickest, Clock::time_point now);

    std::chrono::milliseconds pause(Clock::time_point now) const;

private:
    std::atomic<std::chrono::microseconds> quickest_{};
    std::atomic<Clock::time_point> seen_{};
};

class OrderService final : public messaging::BatchHandler {
public:
    explicit OrderService(OrderStore& store, Admission* admission = nullptr)
        : store_(store), admission_(admission) {}

    bool handle(Instant now, std::span<const messaging::Delivery> batch,
                messaging::BatchOutput& out) override;
    void committed() override;

private:
    OrderStore& store_;
    Admission* const admission_;
    std::optional<std::chrono::microseconds> quickest_;  // of the last attempt
};

// An order to be placed, and whom to tell once order and event are committed.
struct Placement {
    OrderId id;
    events::Order order;  // placed_at is set by the loop, from the database's clock
    std::string traceparent;
    std::function<void(bool committed)> done;  // called on the loop's thread
};

// Places a set of orders; false: an id exists already.
bool place_orders(OrderStore& store, std::span<Placement> placements, Instant now,
                  messaging::BatchOutput& out);

// Turns concurrent POSTs into one commit. A connection that breaks during the commit leaves its
// outcome unknown: the orders are looked up, and those that are there count as placed.
using AcceptLoop = messaging::QueueLoop<Placement>;
AcceptLoop::MakeWorker accept_worker(const Admission& admission);

// The order's state once a customer's cancellation is committed.
struct CancelOutcome {
    bool committed = false;
    std::optional<State> state;  // empty: no such order
};

// A customer's cancellation, and whom to tell.
struct Cancellation {
    OrderId id;
    std::string traceparent;
    std::function<void(CancelOutcome)> done;  // called on the loop's thread
};

// Starts the cancellation of those that are PROCESSING, and fills `states`, one for each; false:
// the compare-and-set was lost.
bool cancel_orders(OrderStore& store, std::span<const Cancellation> cancellations, Instant now,
                   messaging::BatchOutput& out, std::vector<std::optional<State>>& states);

using CancelLoop = messaging::QueueLoop<Cancellation>;
CancelLoop::MakeWorker cancel_worker();

}  // namespace orderflow::order
