#pragma once
// The payment service's routes. Handlers run on the io thread.
#include "http/router.hpp"
#include "postgres/pool.hpp"

namespace orderflow::payment {

// GET /api/payments/{orderId}. The pool must outlive the router.
http::Router make_router(postgres::Pool& pool);

}  // namespace orderflow::payment
