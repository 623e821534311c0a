// inventory-service: the product catalogue and the orders' stock reservations.
#include "http/router.hpp"
#include "inventory/inventory_install.hpp"
#include "service/host.hpp"

namespace orderflow::inventory {

extern const postgres::Migrations kMigrations;

namespace {

void run(const service::CommonConfig& config) {
    service::Host host(config, events::Service::inventory, kMigrations);
    http::Router router;
    install_inventory(host, router);
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
