// analytics-service: read models of everything: each order's timeline, the counters.
#include "analytics/analytics_api.hpp"
#include "analytics/analytics_kafka.hpp"
#include "analytics/analytics_service.hpp"
#include "analytics/analytics_waiting.hpp"
#include "service/host.hpp"

namespace orderflow::analytics {

extern const postgres::Migrations kMigrations;

namespace {

// Nobody waits for these rows, so they gather longer than a saga's: one version instead of five.
constexpr GatherLimits kGather{8'192, 8'192, std::chrono::milliseconds{400}};
// Nor do they need a fetch for every record: these cost the broker more than the records do.
constexpr messaging::FetchSettings kFetch{64 * 1024, std::chrono::milliseconds{100}};

void run(const service::CommonConfig& config) {
    service::Host host(config, events::Service::analytics, kMigrations);
    messaging::Bell bell;
    const auto context = host.loop_context(bell);
    auto consumers = host.start_consumers(context, [](postgres::Connection& connection) {
        return std::make_unique<messaging::StoreHandler<AnalyticsService, AnalyticsStore>>(
            make_analytics_store(connection));
    });
    messaging::RelayLoop relay(context);  // of what it parks: it emits nothing else
    WaitingLoop waiting(context);
    KafkaAsker kafka(config.kafka());
    host.run(make_router(host.pool(), waiting, kafka, host.io()),
             {service::stage(waiting, consumers), service::stage(relay)});
}

}  // namespace
}  // namespace orderflow::analytics

int main(int argc, char** argv) {
    using namespace orderflow;
    service::CommonConfig config;
    config.gather = analytics::kGather;
    config.fetch = analytics::kFetch;
    service::Options options(events::Service::analytics, "Timelines and counters of all orders",
                             config, 3005);
    return service::run_program(options, argc, argv, analytics::kMigrations,
                                [&] { analytics::run(config); });
}
