// order-service: accepts orders, keeps each order's saga, decides COMPLETED or CANCELLED.
#include "http/router.hpp"
#include "order/notices/notices_install.hpp"
#include "order/saga/saga_install.hpp"
#include "service/host.hpp"

namespace orderflow::order {

extern const postgres::Migrations kMigrations;

namespace {

struct Config {
    service::CommonConfig common;
    SagaSettings saga;
};

void run(const Config& config) {
    service::Host host(config.common, events::Service::order, kMigrations);
    http::Router router;
    const ReadSagas read_sagas = install_saga(host, router, config.saga);
    install_notices(host, router, read_sagas);
    host.run(std::move(router));
}

}  // namespace
}  // namespace orderflow::order

int main(int argc, char** argv) {
    using namespace orderflow;
    order::Config config;
    service::Options options(events::Service::order, "Accepts orders and keeps their sagas",
                             config.common, 3001);
    options.secret(options.app()
                       .add_option("--default-token", config.saga.default_token,
                                   "payment token of orders without one")
                       ->envname("DEFAULT_PAYMENT_TOKEN"));
    constexpr std::chrono::seconds kYear = std::chrono::days{365};
    options.add_seconds("--deadline-s", "ORDER_DEADLINE_S", config.saga.deadline,
                        {1, kYear.count()},
                        "cancel an order that is not completed after this time, seconds");
    options.add_seconds(
        "--deadline-calm-s", "ORDER_DEADLINE_CALM_S", config.saga.caught_up_for, {1, 3'600},
        "cancel it only if the group has been caught up in the order's partitions for "
        "this time, seconds");
    options.add_seconds("--idempotency-keys-s", "IDEMPOTENCY_KEYS_S", config.saga.keys_kept,
                        {60, kYear.count()}, "how long an Idempotency-Key is stored, seconds");
    return service::run_program(options, argc, argv, order::kMigrations,
                                [&] { order::run(config); });
}
