#pragma once
// The analytics service's routes. Handlers run on the io thread.
#include <span>
#include <string>

#include "analytics/analytics.hpp"
#include "analytics/analytics_waiting.hpp"
#include "http/router.hpp"
#include "postgres/pool.hpp"

namespace orderflow::analytics {

// GET /api/orders/{id}/timeline, GET /api/analytics and below it /throughput?minutes= and
// /waiting?limit=, and the pages. Pool and loop must outlive the router.
http::Router make_router(postgres::Pool& pool, const WaitingLoop& waiting);

// The bodies of the answers.
std::string throughput_json(std::span<const MinuteFigures> minutes);
std::string waiting_json(std::span<const OpenOrder> orders);
std::string timeline_json(const OrderId& id, const OrderView& view);
std::string dashboard_json(const Dashboard& dashboard);

}  // namespace orderflow::analytics
