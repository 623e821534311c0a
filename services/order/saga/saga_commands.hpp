#pragma once
// The commands of the HTTP API: orders to place, and cancellations. Concurrent requests share one
// transaction, on the thread of a CommandLoop. A command may carry an Idempotency-Key: its outcome
// is committed with its effect, so that it is carried out once, however often and to whichever
// instance it is sent.
#include <memory>
#include <optional>
#include <string>

#include "events/events.hpp"
#include "loops/command_loop.hpp"
#include "order/saga/admission.hpp"
#include "order/saga/saga_store.hpp"
#include "outbox/command.hpp"
#include "outbox/request_keys.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::order {

// An order to place.
struct Placement {
    OrderId id;           // given by AcceptLoop, with the batch
    events::Order order;  // placed_at is set when it is carried out, from the database's clock
    std::string traceparent;
    std::string key;               // Idempotency-Key; empty: none
    bool default_payment = false;  // the request named no payment
};

// A customer's cancellation.
struct Cancellation {
    OrderId id;
    std::string traceparent;
    std::string key;  // Idempotency-Key; empty: none
};

// The outcome of a placement is the id of the order. A repeated request gets the id of the order
// that the first request placed.
outbox::Apply<Placement, OrderId> place_orders(std::shared_ptr<SagaStore> store,
                                               std::shared_ptr<outbox::RequestKeys> keys);

// Starts the cancellation of the orders that are PROCESSING. The outcome is the state of the order
// as committed; empty: no such order, and the key can be used again.
outbox::Apply<Cancellation, std::optional<State>> cancel_orders(
    std::shared_ptr<SagaStore> store, std::shared_ptr<outbox::RequestKeys> keys);

// If a connection breaks during the commit, the outcome is unknown. Then the loop looks up the
// orders; those that exist count as placed.
using AcceptLoop = loops::CommandLoop<Placement, OrderId>;
AcceptLoop::MakeSteps accept_steps(const Admission& admission);

using CancelLoop = loops::CommandLoop<Cancellation, std::optional<State>>;
CancelLoop::MakeSteps cancel_steps();

}  // namespace orderflow::order
