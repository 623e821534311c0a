// inventory-service: the product catalogue and the orders' stock reservations.
#include "inventory/inventory_api.hpp"
#include "inventory/inventory_commands.hpp"
#include "inventory/inventory_handler.hpp"
#include "service/host.hpp"

namespace orderflow::inventory {

extern const postgres::Migrations kMigrations;

namespace {

constexpr std::size_t kProductQueue = 4'096;  // requests waiting for their commit

void run(const service::CommonConfig& config) {
    service::Host host(config, events::Service::inventory, kMigrations);
    auto& products =
        host.own<ProductLoop>("products", host.context(), kProductQueue, product_steps());
    const auto make_handler = [](postgres::Connection& connection) {
        return std::make_unique<InventoryHandler>(make_inventory_store(connection));
    };
    host.consume({.name = "stock",
                  .make_handler = make_handler,
                  .gather = config.gather,
                  .fetch = config.fetch});
    http::Router router;
    add_product_routes(router, products, host.pool());
    host.run(std::move(router));
}

}  // namespace
}  // namespace orderflow::inventory

int main(int argc, char** argv) {
    using namespace orderflow;
    service::CommonConfig config;
    service::Options options(events::Service::inventory,
                             "Keeps the product catalogue and the orders' stock reservations",
                             config, 3003);
    return service::run_program(options, argc, argv, inventory::kMigrations,
                                [&] { inventory::run(config); });
}
