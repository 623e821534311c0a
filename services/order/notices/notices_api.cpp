#include "order/notices/notices_api.hpp"

#include <utility>

namespace orderflow::order {

void add_notice_routes(http::Router& router, std::shared_ptr<Notifications> notifications) {
    router.websocket("/ws", [notifications = std::move(notifications)](http::WebSocket& socket) {
        return notifications->open(socket);
    });
}

}  // namespace orderflow::order
