#pragma once
// The open orders that wait longest. No index contains the open orders, because then each end of an
// order would have to change the index. Instead, the store counts the open orders of each second;
// the second is that of the order's id. `OpenOrderSearch` knows some open orders, and reads the
// rows of a second only if the count differs from the number of orders that it knows. It begins
// with the oldest second, and stops when no order of a later second can be among the longest waits.
// Example: of second 10 the store counts three open orders and `OpenOrderSearch` knows two of them,
// so it reads second 10. `OpenOrderSearch` has the steps; `OpenOrdersLoop` is a thread around them,
// whose result HTTP handlers read.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "analytics/timeline/timeline_store.hpp"
#include "loops/context.hpp"
#include "loops/ticker.hpp"

namespace orderflow::analytics {

// Keeps its state from step to step. A step reads the counts, the rows of the orders that wait
// longest, and of each second whose count has changed. One thread.
class OpenOrderSearch {
public:
    static constexpr std::size_t kMost = 200;  // longest() is exact for this many orders

    void step(OpenOrderSource& source, Instant now);

    // By the time since which they wait; as of the last step.
    std::vector<OpenOrder> longest(std::size_t limit) const;

    std::size_t remembered() const { return orders_.size(); }

private:
    void refresh(OpenOrderSource& source);
    void search(OpenOrderSource& source, const std::vector<OpenSecond>& counted);
    void scan(OpenOrderSource& source, std::int64_t second);
    Instant frontier() const;
    void remember(OpenOrder order);
    void forget(const OrderId& id);
    void forget_second(std::int64_t second, std::span<const OrderId> but = {});

    Instant next_tidy_{};
    std::map<OrderId, OpenOrder> orders_;
    std::set<std::pair<Instant, OrderId>> by_since_;  // the same, the longest wait first
    std::map<std::int64_t, std::int64_t> by_second_;  // how many, by second_of(); never a zero
};

class OpenOrdersLoop {
public:
    using Orders = std::vector<OpenOrder>;
    static constexpr std::size_t kMost = OpenOrderSearch::kMost;

    explicit OpenOrdersLoop(const loops::Context& context);
    void request_stop() { ticker_.request_stop(); }
    void stop() { ticker_.stop(); }  // blocks

    // The kMost orders that wait longest, as of the last step: one second ago, or five if steps
    // take long. Any thread; never null. Throws Unavailable before the first step.
    std::shared_ptr<const Orders> longest() const;

private:
    loops::Ticker::Step make_step(postgres::Connection& connection);

    mutable std::mutex mutex_;
    std::shared_ptr<const Orders> longest_;  // null: no step has run yet
    loops::Ticker ticker_;                   // last: it uses the others
};

}  // namespace orderflow::analytics
