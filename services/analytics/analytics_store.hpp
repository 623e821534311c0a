#pragma once
// All SQL of the analytics service, on sets: the views, one row per order, and the counters.
// `AnalyticsStore` is the port that the service and the simulator share; it works inside the
// caller's transaction, on the caller's thread. Failures of the database are DatabaseError.
#include <memory>
#include <optional>
#include <span>

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

// Reads for HTTP.
std::optional<OrderView> find_view(postgres::Connection& connection, const OrderId& id);
Figures read_figures(postgres::Connection& connection);

}  // namespace orderflow::analytics
