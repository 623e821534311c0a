// inventory-service: the product catalogue and the orders' stock reservations.
#include "inventory/inventory_api.hpp"
#include "inventory/inventory_requests.hpp"
#include "inventory/inventory_service.hpp"
#include "service/host.hpp"

namespace orderflow::inventory {

extern const postgres::Migrations kMigrations;

namespace {

constexpr std::size_t kProductQueue = 4'096;  // requests waiting for their commit

void run(const service::CommonConfig& config) {
    service::Host host(config, events::Service::inventory, kMigrations);
    messaging::Bell bell;
    const auto context = host.loop_context(bell);
    ProductLoop products("products", context, kProductQueue, product_worker());
    auto consumers = host.start_consumers(context, [](postgres::Connection& connection) {
        return std::make_unique<messaging::StoreHandler<InventoryService, InventoryStore>>(
            make_inventory_store(connection));
    });
    messaging::RelayLoop relay(context);
    host.run(make_router(products, host.pool()),
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
