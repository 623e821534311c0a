#pragma once
// All SQL of the analytics service, on sets: the views, one row per order, and the counters.
// `AnalyticsStore` is the port that the service and the simulator share; it works inside the
// caller's transaction, on the caller's thread. Failures of the database are DatabaseError.
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "analytics/analytics.hpp"
#include "messaging/aggregates.hpp"
#include "postgres/connection.hpp"

namespace orderflow::analytics {

using Views = messaging::Aggregates<OrderView>;

class AnalyticsStore {
public:
    virtual ~AnalyticsStore() = default;
    virtual Views load(std::span<const OrderId> ids) = 0;
    // Saves the changed views; false: another batch was faster with one of them.
    virtual bool save(const Views& views) = 0;
    // Adds to the counters. Last: their rows are shared with other consumers and are locked until
    // the commit.
    virtual void add(const Tally& tally) = 0;
};

std::unique_ptr<AnalyticsStore> make_analytics_store(postgres::Connection& connection);

// A page of a walk along the orders' ids.
struct OpenPage {
    std::optional<OrderId> last;  // of the rows looked at; nullopt: there were none
    std::vector<OrderId> open;    // those under way
};

// What a walk over the orders under way reads; the port of analytics_waiting.
class OpenOrderSource {
public:
    virtual ~OpenOrderSource() = default;
    // Looks at no more than `limit` rows with after < id <= upto, in the order of ids.
    virtual OpenPage scan_open(const OrderId& after, const OrderId& upto, std::int64_t limit) = 0;
    // Those of the orders that are under way, in any order.
    virtual std::vector<OpenOrder> find_open(std::span<const OrderId> ids) = 0;
};

std::unique_ptr<OpenOrderSource> make_open_order_source(postgres::Connection& connection);

// Reads for HTTP.
// The last `count` minutes, the running one last; none is left out.
std::vector<MinuteFigures> read_minutes(postgres::Connection& connection, std::int32_t count);
std::optional<OrderView> find_view(postgres::Connection& connection, const OrderId& id);
Figures read_figures(postgres::Connection& connection);

}  // namespace orderflow::analytics
