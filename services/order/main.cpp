// order-service: accepts orders, keeps each order's saga, decides COMPLETED or CANCELLED.
#include <spdlog/spdlog.h>

#include "order/order_api.hpp"
#include "order/order_deadline.hpp"
#include "order/order_service.hpp"
#include "service/host.hpp"
#include "service/log.hpp"

namespace orderflow::order {

extern const std::string_view kSchemaSql;

namespace {

constexpr std::size_t kAcceptQueue = 4'096;  // orders waiting for their commit

struct Config {
    service::CommonConfig common;
    ApiSettings api{"tok_ok"};
    unsigned deadline_s = 900;
    unsigned deadline_calm_s = 60;
};

void run(const Config& config) {
    service::Host host(config.common, events::Service::order, kSchemaSql);
    messaging::Bell bell;
    messaging::CalmPartitions calm;
    auto context = host.loop_context(bell);
    context.calm = &calm;
    Admission admission;
    AcceptLoop accept("accept", context, kAcceptQueue, accept_worker(admission));
    CancelLoop cancel("cancel", context, kAcceptQueue, cancel_worker());
    auto consumers = host.start_consumers(context, [&](postgres::Connection& connection) {
        return std::make_unique<messaging::StoreHandler<OrderService, OrderStore>>(
            make_order_store(connection), &admission);
    });
    DeadlineLoop deadline(context, {std::chrono::seconds(config.deadline_s),
                                    std::chrono::seconds(config.deadline_calm_s)});
    messaging::RelayLoop relay(context);
    host.run(make_router(accept, cancel, host.pool(), config.api),
             {[&] { accept.stop(); }, [&] { cancel.stop(); },
              [&] { deadline.stop(); },
              [&] { messaging::stop_all(consumers); },
              [&] { relay.stop(); }});
}

}  // namespace
}  // namespace orderflow::order

int main(int argc, char** argv) {
    using namespace orderflow;
    order::Config config;
    service::Options options(events::Service::order, "Accepts orders and keeps their sagas",
                             config.common, 3001);
    options.app()
        .add_option("--default-token", config.api.default_token,
                    "payment token of orders that name none")
        ->envname("DEFAULT_PAYMENT_TOKEN");
    options.app()
        .add_option("--deadline-s", config.deadline_s,
                    "an order that is not completed after this is cancelled, seconds")
        ->envname("ORDER_DEADLINE_S")
        ->check(CLI::Range(1u, 31'536'000u));
    options.app()
        .add_option("--deadline-calm-s", config.deadline_calm_s,
                    "… if its partitions were read to their ends for so long, seconds")
        ->envname("ORDER_DEADLINE_CALM_S")
        ->check(CLI::Range(1u, 3'600u));
    if (const auto code = options.parse(argc, argv)) return *code;
    service::init_log("order-service", config.common.log_level);
    return service::guarded([&] {
        spdlog::info("starting: {}", options.effective());
        order::run(config);
    });
}
