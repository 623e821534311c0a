#pragma once
// The payments as a part of the service: routes, the calls to the gateway, the subscription. Used
// by main.
#include "http/client.hpp"

namespace orderflow::http {
class Router;
}
namespace orderflow::service {
class Host;
}

namespace orderflow::payment {

void install_payment(service::Host& host, http::Router& router,
                     const http::ClientSettings& gateway);

}  // namespace orderflow::payment
