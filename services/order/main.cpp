// order-service: accepts orders, keeps each order's saga, decides COMPLETED or CANCELLED.
#include <spdlog/spdlog.h>

#include "order/order_api.hpp"
#include "order/order_service.hpp"
#include "service/host.hpp"
#include "service/log.hpp"

namespace orderflow::order {

extern const std::string_view kSchemaSql;

namespace {

constexpr std::size_t kAcceptQueue = 4'096;  // orders waiting for their commit

void run(const service::CommonConfig& config, const ApiSettings& settings) {
    service::Host host(config, events::Service::order, kSchemaSql);
    messaging::Bell bell;
    const auto context = host.loop_context(bell);
    AcceptLoop accept("accept", context, kAcceptQueue, accept_worker());
    auto consumers = host.start_consumers(context, [](postgres::Connection& connection) {
        return std::make_unique<messaging::StoreHandler<OrderService, OrderStore>>(
            make_order_store(connection));
    });
    messaging::RelayLoop relay(context);
    host.run(make_router(accept, host.pool(), settings),
             {[&] { accept.stop(); },
              [&] { messaging::stop_all(consumers); },
              [&] { relay.stop(); }});
}

}  // namespace
}  // namespace orderflow::order

int main(int argc, char** argv) {
    using namespace orderflow;
    service::CommonConfig config;
    order::ApiSettings settings{"tok_ok"};
    service::Options options(events::Service::order, "Accepts orders and keeps their sagas", config,
                             3001);
    options.app()
        .add_option("--default-token", settings.default_token,
                    "payment token of orders that name none")
        ->envname("DEFAULT_PAYMENT_TOKEN");
    if (const auto code = options.parse(argc, argv)) return *code;
    service::init_log("order-service", config.log_level);
    return service::guarded([&] {
        spdlog::info("starting: {}", options.effective());
        order::run(config, settings);
    });
}
