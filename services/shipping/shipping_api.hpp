#pragma once
// The shipping service's routes. Handlers run on the io thread.
#include "http/router.hpp"
#include "postgres/pool.hpp"

namespace orderflow::shipping {

// GET /api/shipments/{orderId}. The pool must outlive the router.
void add_shipment_routes(http::Router& router, postgres::Pool& pool);

}  // namespace orderflow::shipping
