#pragma once
// The order service's routes. Handlers run on the io thread.
#include <string>

#include "http/router.hpp"
#include "order/order_notifications.hpp"
#include "order/order_requests.hpp"
#include "postgres/pool.hpp"

namespace orderflow::order {

struct ApiSettings {
    std::string default_token;  // used when a request names no payment
};

// POST and GET /api/orders, GET /api/orders/{id}, POST /api/orders/{id}/cancellations, and the
// WebSocket /ws. The arguments must outlive the router.
http::Router make_router(AcceptLoop& accept, CancelLoop& cancel, postgres::Pool& pool,
                         std::shared_ptr<Notifications> notifications, ApiSettings settings);

// Reads the body of POST /api/orders, or says all that is wrong with it. placed_at is left unset,
// and the payment's token empty if the body names no payment.
Validated<events::Order> parse_order(std::string_view body);

}  // namespace orderflow::order
