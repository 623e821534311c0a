#pragma once
// The WebSocket on which clients follow their orders. Handlers run on the io thread.
#include <memory>

#include "http/router.hpp"
#include "order/notices/notifications.hpp"

namespace orderflow::order {

// Adds /ws.
void add_notice_routes(http::Router& router, std::shared_ptr<Notifications> notifications);

}  // namespace orderflow::order
