#pragma once
// HTTP requests: orders to place, and cancellations. Concurrent requests share one commit, on the
// thread of a QueueLoop. A request may carry an Idempotency-Key: its outcome is committed with its
// effect, so that it is carried out once, however often and to whichever instance it is sent.
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/safe_age.hpp"
#include "loops/context.hpp"
#include "loops/queue_loop.hpp"
#include "loops/ticker.hpp"
#include "outbox/request_keys.hpp"
#include "order/saga/saga_handler.hpp"
#include "order/saga/saga_store.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::order {

using outbox::Outcome;

struct PlaceOutcome {
    Outcome what = Outcome::unknown;
    OrderId id;  // of the order that was placed
};

// An order to place, and the callback to call once order and event are committed.
struct Placement {
    OrderId id;
    events::Order order;  // placed_at is set by the loop, from the database's clock
    std::string traceparent;
    std::string key;                         // Idempotency-Key; empty: none
    std::function<void(PlaceOutcome)> done;  // called on the loop's thread
    bool default_payment = false;            // the client named none
};

// Places the orders whose keys are new, and fills `outcomes`, one for each; false: an id exists
// already. In the caller's transaction.
bool place_orders(SagaStore& store, KeyStore& keys, std::span<Placement> placements, Instant now,
                  outbox::BatchOutput& out, std::vector<PlaceOutcome>& outcomes);

// Turns concurrent POSTs into one commit. If a connection breaks during the commit, the outcome is
// unknown: the orders are then looked up, and those that exist count as placed.
using AcceptLoop = loops::QueueLoop<Placement>;
AcceptLoop::MakeWorker accept_worker(const Admission& admission);

struct CancelOutcome {
    Outcome what = Outcome::unknown;
    std::optional<State> state;  // of the order, as committed; empty: no such order
};

// A customer's cancellation, and the callback to call.
struct Cancellation {
    OrderId id;
    std::string traceparent;
    std::string key;                          // Idempotency-Key; empty: none
    std::function<void(CancelOutcome)> done;  // called on the loop's thread
};

// Starts the cancellation of the orders that are PROCESSING and whose keys are new, and fills
// `outcomes`, one for each; false: the compare-and-set was lost. In the caller's transaction.
bool cancel_orders(SagaStore& store, KeyStore& keys, std::span<const Cancellation> cancellations,
                   Instant now, outbox::BatchOutput& out, std::vector<CancelOutcome>& outcomes);

using CancelLoop = loops::QueueLoop<Cancellation>;
CancelLoop::MakeWorker cancel_worker();

// Deletes keys that are older than `kept` by all clocks (SafeAge), at most 10,000 a second.
class KeyExpiry {
public:
    KeyExpiry(KeyStore& keys, std::chrono::seconds kept, prometheus::Registry& registry);

    // One comparison of the clocks, and the deletion of the keys that are old by all of them.
    // Throws DatabaseError.
    void step(Instant process_now, SafeAge::Steady steady_now);

private:
    KeyStore& keys_;
    SafeAge age_;
    prometheus::Gauge& difference_;
    bool agreed_ = true;
};

// A `KeyExpiry` on a thread and a connection of its own, a step per second.
loops::Ticker key_expiry_ticker(const loops::Context& context, std::chrono::seconds kept);

}  // namespace orderflow::order
