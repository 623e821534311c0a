#include "shipping/shipping_install.hpp"

#include "http/router.hpp"
#include "service/host.hpp"
#include "shipping/shipping_api.hpp"
#include "shipping/shipping_handler.hpp"

namespace orderflow::shipping {

void install_shipping(service::Host& host, http::Router& router, const Settings& settings) {
    const auto make_handler = [settings](postgres::Connection& connection) {
        return std::make_unique<ShippingHandler>(make_shipping_store(connection), settings);
    };
    host.consume({.name = "shipments", .make_handler = make_handler});
    add_shipment_routes(router, host.pool());
}

}  // namespace orderflow::shipping
