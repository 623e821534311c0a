// order-service: accepts orders, keeps each order's saga, decides COMPLETED or CANCELLED.
#include "loops/context.hpp"
#include "loops/failures.hpp"
#include "loops/key_expiry.hpp"
#include "order/notices/notices_api.hpp"
#include "order/notices/order_changes.hpp"
#include "order/saga/saga_api.hpp"
#include "order/saga/deadline.hpp"
#include "order/saga/saga_handler.hpp"
#include "service/host.hpp"

namespace orderflow::order {

extern const postgres::Migrations kMigrations;

namespace {

constexpr std::size_t kAcceptQueue = 4'096;  // orders waiting for their commit

struct Config {
    service::CommonConfig common;
    ApiSettings api{"tok_ok"};
    std::chrono::seconds deadline{900};
    std::chrono::seconds deadline_calm{60};
    std::chrono::seconds keys_kept{86'400};
};

void run(const Config& config) {
    service::Host host(config.common, events::Service::order, kMigrations);
    const loops::Context& context = host.context();
    auto& admission = host.own<Admission>();
    auto& accept = host.own<AcceptLoop>("accept", context, kAcceptQueue, accept_steps(admission));
    auto& cancel = host.own<CancelLoop>("cancel", context, kAcceptQueue, cancel_steps());
    const auto make_handler = [&admission](postgres::Connection& connection) {
        return std::make_unique<SagaHandler>(make_saga_store(connection), &admission);
    };
    host.consume({.name = "saga",
                  .make_handler = make_handler,
                  .gather = config.common.gather,
                  .fetch = config.common.fetch});
    host.own<loops::Ticker>(loops::key_expiry_ticker(context, config.keys_kept));
    host.own<loops::Ticker>(deadline_ticker(context, {config.deadline, config.deadline_calm}));
    auto& unheard = loops::failure_counter(context.registry, "notifications");
    const auto notifications =
        std::make_shared<Notifications>(host.io(), host.pool(), &read_sagas, unheard);
    host.own<std::shared_ptr<Notifications>>(notifications);
    host.own<ChangeListener>(context.database_url, host.io(), *notifications, unheard,
                             context.database);
    http::Router router;
    add_order_routes(router, accept, cancel, host.pool(), config.api);
    add_notice_routes(router, notifications);
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
                       .add_option("--default-token", config.api.default_token,
                                   "payment token of orders without one")
                       ->envname("DEFAULT_PAYMENT_TOKEN"));
    constexpr std::chrono::seconds kYear = std::chrono::days{365};
    options.add_seconds("--deadline-s", "ORDER_DEADLINE_S", config.deadline, {1, kYear.count()},
                        "cancel an order that is not completed after this time, seconds");
    options.add_seconds("--deadline-calm-s", "ORDER_DEADLINE_CALM_S", config.deadline_calm,
                        {1, 3'600},
                        "… if the order's partitions have been caught up for this time, seconds");
    options.add_seconds("--idempotency-keys-s", "IDEMPOTENCY_KEYS_S", config.keys_kept,
                        {60, kYear.count()}, "how long an Idempotency-Key is stored, seconds");
    return service::run_program(options, argc, argv, order::kMigrations,
                                [&] { order::run(config); });
}
