// shipping-service: schedules and voids shipments, books and frees the warehouse's storage slots.
#include "http/router.hpp"
#include "service/host.hpp"
#include "shipping/shipping_install.hpp"
#include "shipping/shipping_store.hpp"

namespace orderflow::shipping {

extern const postgres::Migrations kMigrations;

namespace {

struct Config {
    service::CommonConfig common;
    std::int64_t storage_capacity = 100'000;  // slots
    std::string countries = "KR,US,JP,DE,FR,GB,CA,AU,SG,NL";
};

void add_options(CLI::App& app, Config& config) {
    app.add_option("--storage-capacity", config.storage_capacity,
                   "storage capacity of the warehouse, slots (each order with storage books one)")
        ->envname("STORAGE_CAPACITY")
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000'000'000}));
    const auto check_countries = [](const std::string& text) {
        const auto countries = parse_countries(text);
        return countries ? std::string() : countries.error().detail;
    };
    app.add_option("--countries", config.countries,
                   "served countries, ISO 3166-1 alpha-2, comma separated")
        ->envname("SERVED_COUNTRIES")
        ->check(check_countries, "COUNTRIES", "countries");
}

void run(const Config& config) {
    const auto prepare = [&](postgres::Connection& connection) {
        set_storage_capacity(connection, config.storage_capacity);
    };
    service::Host host(config.common, events::Service::shipping, kMigrations, prepare);
    http::Router router;
    install_shipping(host, router, {parse_countries(config.countries).value()});
    host.run(std::move(router));
}

}  // namespace
}  // namespace orderflow::shipping

int main(int argc, char** argv) {
    using namespace orderflow;
    shipping::Config config;
    service::Options options(events::Service::shipping, "Ships paid orders and stores goods",
                             config.common, 3004);
    shipping::add_options(options.app(), config);
    return service::run_program(options, argc, argv, shipping::kMigrations,
                                [&] { shipping::run(config); });
}
