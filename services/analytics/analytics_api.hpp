#pragma once
// The analytics service's routes. Handlers run on the io thread.
#include "analytics/analytics.hpp"
#include "http/router.hpp"
#include "postgres/pool.hpp"

namespace orderflow::analytics {

// GET /api/orders/{id}/timeline, GET /api/analytics. The pool must outlive the router.
http::Router make_router(postgres::Pool& pool);

// The bodies of the two answers.
std::string timeline_json(const OrderId& id, const OrderView& view);
std::string dashboard_json(const Dashboard& dashboard);

}  // namespace orderflow::analytics
