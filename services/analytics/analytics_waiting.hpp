#pragma once
// The orders under way that wait longest. No index tells which orders are under way, and none is
// wanted: every change of an order would have to move an entry of it. Instead each process walks
// along the primary key, which sorts by time of placing, and remembers what it found open.
// `Waiting` holds the steps; `WaitingLoop` is a thread around them, of which HTTP handlers ask.
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "analytics/analytics_store.hpp"
#include "messaging/loops.hpp"

namespace orderflow::analytics {

// Two walks: one follows the time; one goes again and again over the last 20 minutes, and every 10
// minutes over all, for what was not written yet when the first one passed, or was too much to
// remember. One thread.
class Waiting {
public:
    // A page of each walk, and a fresh look at the orders that wait longest. True: there is more
    // to walk over at once.
    bool step(OpenOrderSource& source, Instant now);

    // By the time since which they wait; as of the last step.
    std::vector<OpenOrder> longest(std::size_t limit) const;

    std::size_t remembered() const { return orders_.size(); }

private:
    struct Walk {
        OrderId position{};  // what stands up to here was seen
        OrderId upto{};      // where this pass ends
    };
    void begin_round(Instant now);
    void walk(OpenOrderSource& source, Walk& walk);
    void refresh(OpenOrderSource& source);
    void remember(OpenOrder order);
    void forget(const OrderId& id);

    Walk recent_;
    Walk round_;
    Instant next_round_{};
    Instant next_full_round_{};
    std::map<OrderId, OpenOrder> orders_;
    std::set<std::pair<Instant, OrderId>> by_since_;  // the same, the longest wait first
};

class WaitingLoop {
public:
    using Orders = std::vector<OpenOrder>;
    static constexpr std::size_t kMost = 200;

    explicit WaitingLoop(const messaging::LoopContext& context);
    void stop();  // blocks

    // The kMost orders that wait longest, as of a second ago. Any thread; never null.
    std::shared_ptr<const Orders> longest() const;

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Orders> longest_ = std::make_shared<Orders>();
    std::jthread thread_;  // last: it uses the others
};

}  // namespace orderflow::analytics
