#pragma once
// Which event or request triggers which rule. `OrderService` handles the participants' events on a
// consumer loop's thread; `AcceptLoop` turns concurrent POSTs into one commit.
#include <functional>
#include <thread>

#include "core/batch_queue.hpp"
#include "messaging/loops.hpp"
#include "order/order_store.hpp"

namespace orderflow::order {

class OrderService final : public messaging::BatchHandler {
public:
    explicit OrderService(OrderStore& store) : store_(store) {}

    bool handle(Instant now, std::span<const messaging::Delivery> batch,
                messaging::BatchOutput& out) override;

private:
    OrderStore& store_;
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

class AcceptLoop {
public:
    AcceptLoop(const messaging::LoopContext& context, std::size_t capacity);

    // False: the queue is full; `placement` is untouched.
    bool submit(Placement&& placement) { return queue_.push(std::move(placement)); }

    // Commits what is queued, then ends. Blocks.
    void stop();

private:
    void run(messaging::LoopContext context);

    BatchQueue<Placement> queue_;
    std::jthread thread_;
};

}  // namespace orderflow::order
