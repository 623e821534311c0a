#pragma once
// Cancels orders that wait too long. `Deadline` has the steps, for the thread of deadline_ticker()
// and for the simulator.
#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "loops/context.hpp"
#include "loops/ticker.hpp"
#include "order/saga/saga_store.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::order {

// Finds the orders that are PROCESSING beyond their time, and cancels them. Two walks read the
// table along its primary key (ids sort by the time of placing). The first walk follows the time:
// it reads rows as they become old enough. The second walk reads the whole table every ten minutes,
// for orders that appeared late or were forgotten. Found orders are remembered until this process
// may act on them, and are forgotten when the second walk begins again. Steps for deadline_ticker()
// and for the simulator; one thread.
class Deadline {
public:
    explicit Deadline(std::chrono::milliseconds age) : age_(age) {}

    // One page of each walk.
    void look(SagaStore& store, Instant now);

    // Returns the next remembered orders for which `may_act` is true, sorted; a bounded number.
    std::vector<OrderId> next(const std::function<bool(const OrderId&)>& may_act);

    // In a transaction. False: the compare-and-set was lost.
    bool cancel(SagaStore& store, std::span<const OrderId> ids, Instant now,
                outbox::BatchOutput& out);

    // Must be called after cancel() is committed. These orders are cancelled, or were no longer
    // PROCESSING, so they are forgotten. Orders that were not late by the database's clock stay
    // remembered.
    void done(std::span<const OrderId> ids);

    std::size_t remembered() const { return overdue_.size(); }

private:
    struct Walk {
        OrderId position{};  // rows up to here were read
        OrderId upto{};      // where it ends
    };
    void look(SagaStore& store, Walk& walk);

    const std::chrono::milliseconds age_;
    Walk recent_;
    Walk all_;
    std::optional<Instant> next_round_;  // of the walk over all; empty: it has not begun
    OrderId last_{};                     // where next() ended
    std::set<OrderId> overdue_;
    std::set<OrderId> young_;  // of the last cancel()
};

struct DeadlineSettings {
    std::chrono::milliseconds age{900'000};  // from placing to the cancellation
    // How long the group must have been caught up in the order's partitions. Otherwise it may be
    // the group that is late, and not the order.
    std::chrono::milliseconds caught_up_for{60'000};
};

// A `Deadline` on a thread and a connection of its own, a step per second.
loops::Ticker deadline_ticker(const loops::Context& context, const DeadlineSettings& settings);

}  // namespace orderflow::order
