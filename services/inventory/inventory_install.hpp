#pragma once
// The products and their stock as a part of the service: routes, the loop of commands, the
// subscription. Used by main.

namespace orderflow::http {
class Router;
}
namespace orderflow::service {
class Host;
}

namespace orderflow::inventory {

void install_inventory(service::Host& host, http::Router& router);

}  // namespace orderflow::inventory
