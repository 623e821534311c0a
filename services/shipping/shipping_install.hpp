#pragma once
// The shipments as a part of the service: routes and subscription. Used by main.
#include "shipping/shipping.hpp"

namespace orderflow::http {
class Router;
}
namespace orderflow::service {
class Host;
}

namespace orderflow::shipping {

void install_shipping(service::Host& host, http::Router& router, const Settings& settings);

}  // namespace orderflow::shipping
