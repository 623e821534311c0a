#pragma once
// The payment service's routes. Handlers run on the io thread.
#include "http/router.hpp"
#include "postgres/pool.hpp"

namespace orderflow::payment {

// GET /api/payments/{orderId}. The pool must outlive the router.
void add_payment_routes(http::Router& router, postgres::Pool& pool);

}  // namespace orderflow::payment
