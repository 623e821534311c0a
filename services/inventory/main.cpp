// inventory-service: the product catalogue and the orders' stock reservations.
#include "core/wake_up.hpp"
#include "inventory/inventory_api.hpp"
#include "inventory/inventory_commands.hpp"
#include "inventory/inventory_handler.hpp"
#include "loops/consumer_loop.hpp"
#include "loops/relay_loop.hpp"
#include "service/host.hpp"

namespace orderflow::inventory {

extern const postgres::Migrations kMigrations;

namespace {

constexpr std::size_t kProductQueue = 4'096;  // requests waiting for their commit

void run(const service::CommonConfig& config) {
    service::Host host(config, events::Service::inventory, kMigrations);
    WakeUp relay_wake_up;
    const auto context = host.loop_context(relay_wake_up);
    ProductLoop products("products", context, kProductQueue, product_worker());
    auto consumers = host.start_consumers(context, [](postgres::Connection& connection) {
        return std::make_unique<loops::StoreHandler<InventoryHandler, InventoryStore>>(
            make_inventory_store(connection));
    });
    loops::RelayLoop relay(context);
    http::Router router;
    add_product_routes(router, products, host.pool());
    host.run(std::move(router),
             {service::stage(consumers), service::stage(products), service::stage(relay)});
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
