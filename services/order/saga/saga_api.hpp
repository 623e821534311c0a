#pragma once
// The order service's routes. Handlers run on the io thread.
#include <string>

#include "http/router.hpp"
#include "order/saga/saga_commands.hpp"
#include "postgres/pool.hpp"

namespace orderflow::order {

struct ApiSettings {
    std::string default_token;  // used when a request names no payment
};

// Adds POST and GET /api/orders, GET /api/orders/{id} and POST /api/orders/{id}/cancellations. The
// loops and the pool must outlive the router.
void add_order_routes(http::Router& router, AcceptLoop& accept, CancelLoop& cancel,
                      postgres::Pool& pool, ApiSettings settings);

// Reads the body of POST /api/orders, or returns all its faults. placed_at is left unset, and the
// payment's token is empty if the body names no payment.
Validated<events::Order> parse_order(std::string_view body);

}  // namespace orderflow::order
