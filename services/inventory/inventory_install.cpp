#include "inventory/inventory_install.hpp"

#include "http/router.hpp"
#include "inventory/inventory_api.hpp"
#include "inventory/inventory_handler.hpp"
#include "service/host.hpp"

namespace orderflow::inventory {
namespace {

constexpr std::size_t kQueue = 4'096;  // commands that wait for their commit

}  // namespace

void install_inventory(service::Host& host, http::Router& router) {
    auto& products = host.own<ProductLoop>("products", host.context(), kQueue, product_steps());
    const auto make_handler = [](postgres::Connection& connection) {
        return std::make_unique<InventoryHandler>(make_inventory_store(connection));
    };
    host.consume({.name = "stock",
                  .make_handler = make_handler,
                  .can_wait = {events::EventKind::OrderCompleted}});
    add_product_routes(router, products, host.pool());
}

}  // namespace orderflow::inventory
