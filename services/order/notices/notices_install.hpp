#pragma once
// The notices to clients as a part of the service: the WebSocket, and the listener for changes of
// orders. Used by main.
#include "order/notices/notifications.hpp"

namespace orderflow::http {
class Router;
}
namespace orderflow::service {
class Host;
}

namespace orderflow::order {

void install_notices(service::Host& host, http::Router& router, ReadSagas read_sagas);

}  // namespace orderflow::order
