// analytics-service: read models of everything: each order's timeline, the counters.
#include "analytics/analytics_api.hpp"
#include "analytics/analytics_kafka.hpp"
#include "analytics/analytics_service.hpp"
#include "analytics/analytics_traces.hpp"
#include "analytics/analytics_waiting.hpp"
#include "service/host.hpp"

namespace orderflow::analytics {

extern const postgres::Migrations kMigrations;

namespace {

struct Config {
    service::CommonConfig common;
    TraceSettings traces;
};

// Nobody waits for these rows, so they gather longer than a saga's: one version instead of five.
constexpr GatherLimits kGather{8'192, 8'192, std::chrono::milliseconds{400}};
// Nor do they need a fetch for every record: these cost the broker more than the records do.
constexpr messaging::FetchSettings kFetch{64 * 1024, std::chrono::milliseconds{100}};

// Named as OpenTelemetry names them.
void add_trace_options(service::Options& options, TraceSettings& traces) {
    options.app()
        .add_option("--otlp-traces-endpoint", traces.endpoint,
                    "where each order that has ended is sent to as an OpenTelemetry trace (OTLP "
                    "over HTTP, JSON): http:// or https://host:port/v1/traces (empty: nowhere)")
        ->envname("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    options.app()
        .add_option("--otlp-traces-certificate", traces.ca_file,
                    "PEM file with the only certificates that are trusted for it (empty: the "
                    "system's)")
        ->envname("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE");
}

void run(const Config& config) {
    service::Host host(config.common, events::Service::analytics, kMigrations);
    messaging::Bell bell;
    const auto context = host.loop_context(bell);
    TraceLoop traces(context, config.traces, config.common.environment);
    auto consumers = host.start_consumers(context, [&](postgres::Connection& connection) {
        return std::make_unique<messaging::StoreHandler<AnalyticsService, AnalyticsStore>>(
            make_analytics_store(connection), traces.on_ended());
    });
    messaging::RelayLoop relay(context);  // of what it parks: it emits nothing else
    WaitingLoop waiting(context);
    KafkaWorker kafka(config.common.kafka());
    host.run(
        make_router(host.pool(), waiting, kafka, host.io()),
        {service::stage(waiting, consumers, kafka), service::stage(traces), service::stage(relay)});
}

}  // namespace
}  // namespace orderflow::analytics

int main(int argc, char** argv) {
    using namespace orderflow;
    analytics::Config config;
    config.common.gather = analytics::kGather;
    config.common.fetch = analytics::kFetch;
    service::Options options(events::Service::analytics, "Timelines and counters of all orders",
                             config.common, 3005);
    analytics::add_trace_options(options, config.traces);
    return service::run_program(options, argc, argv, analytics::kMigrations,
                                [&] { analytics::run(config); });
}
