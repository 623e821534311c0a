#pragma once
// The SQL of the timelines, one row per order, on sets; figures_store has the SQL of the counters.
// `TimelineStore` is the port that the service and the simulator share; it works inside the
// caller's transaction, on the caller's thread. Failures of the database are DatabaseError.
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "analytics/timeline/figures.hpp"
#include "analytics/timeline/timeline.hpp"
#include "outbox/aggregates.hpp"
#include "postgres/connection.hpp"

namespace orderflow::analytics {

using Timelines = outbox::Aggregates<OrderId, Timeline>;

class TimelineStore {
public:
    virtual ~TimelineStore() = default;
    virtual Timelines load(std::span<const OrderId> ids) = 0;
    // Saves the changed timelines; false: another batch has changed one of them first.
    virtual bool save(const Timelines& timelines) = 0;
    // Adds to the counters. Must be the last call: other consumers change the same rows, and the
    // rows are locked until the commit. All consumers lock them in the same order.
    virtual void add(const Tally& tally) = 0;
};

std::unique_ptr<TimelineStore> make_timeline_store(postgres::Connection& connection);

// The number of open orders whose ids were made in a second.
struct OpenSecond {
    std::int64_t second = 0;
    std::int64_t open = 0;
};

// The reads of the search for open orders; the port of open_orders.
class OpenOrderSource {
public:
    virtual ~OpenOrderSource() = default;
    // The seconds before that one which have open orders, the oldest first.
    virtual std::vector<OpenSecond> open_seconds(std::int64_t before) = 0;
    // The open orders of a second, in the order of ids. Reads all rows of the second.
    virtual std::vector<OrderId> scan_second(std::int64_t second) = 0;
    // Those of the orders that are under way, in any order.
    virtual std::vector<OpenOrder> find_open(std::span<const OrderId> ids) = 0;
    // Deletes the rows of seconds before that one in which no order is open any more.
    virtual void tidy(std::int64_t before) = 0;
};

std::unique_ptr<OpenOrderSource> make_open_order_source(postgres::Connection& connection);

// For HTTP.
std::optional<Timeline> find_timeline(postgres::Connection& connection, const OrderId& id);
// For traces: those that are there, in any order.
std::vector<KnownOrder> find_timelines(postgres::Connection& connection,
                                       std::span<const OrderId> ids);

}  // namespace orderflow::analytics
