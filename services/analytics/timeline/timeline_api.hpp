#pragma once
// The analytics service's routes. Handlers run on the io thread.
#include <span>
#include <string>

#include "analytics/timeline/figures.hpp"
#include "analytics/timeline/open_orders.hpp"
#include "analytics/timeline/timeline.hpp"
#include "http/router.hpp"
#include "postgres/pool.hpp"

namespace boost::asio {
class io_context;
}

namespace orderflow::analytics {

// Adds GET /api/orders/{id}/timeline, GET /api/analytics and below it /throughput?minutes= and
// /waiting?limit=, and /ws/analytics. All of the arguments must outlive the router.
void add_timeline_routes(http::Router& router, postgres::Pool& pool,
                         const OpenOrdersLoop& open_orders, boost::asio::io_context& io);

// The bodies of the answers.
std::string throughput_json(std::span<const MinuteFigures> minutes);
std::string waiting_json(std::span<const OpenOrder> orders);
std::string timeline_json(const OrderId& id, const Timeline& timeline);
std::string dashboard_json(const Dashboard& dashboard);

}  // namespace orderflow::analytics
