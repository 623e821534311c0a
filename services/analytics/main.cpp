// analytics-service: read models of everything: each order's timeline, the counters.
#include "analytics/kafka_page/kafka_page_install.hpp"
#include "analytics/pages/pages_api.hpp"
#include "analytics/timeline/timeline_install.hpp"
#include "http/router.hpp"
#include "service/host.hpp"

namespace orderflow::analytics {

extern const postgres::Migrations kMigrations;

namespace {

struct Config {
    service::CommonConfig common;
    TraceSettings traces;
};

// No saga waits for these rows, so a batch waits longer for records than a saga's: one row version
// instead of five.
constexpr GatherLimits kGather{.max_records = 8'192,
                               .gather_rate = 10,
                               .gather_time = std::chrono::milliseconds{400},
                               .gather_records = 8'192};
// Nor is a fetch needed for every record: fetches cost the broker more than the records do.
constexpr kafka::FetchSettings kFetch{64 * 1024, std::chrono::milliseconds{100}};

// The options have OpenTelemetry's names.
void add_trace_options(service::Options& options, TraceSettings& traces) {
    options.app()
        .add_option("--otlp-traces-endpoint", traces.endpoint,
                    "collector that receives each finished order as an OpenTelemetry trace (OTLP "
                    "over HTTP, JSON): http:// or https://host:port/v1/traces (empty: no traces)")
        ->envname("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    options.app()
        .add_option("--otlp-traces-certificate", traces.ca_file,
                    "PEM file with the only CA certificates to trust for the collector (empty: the "
                    "system's)")
        ->envname("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE");
}

void run(const Config& config) {
    service::Host host(config.common, events::Service::analytics, kMigrations);
    http::Router router;
    install_timeline(host, router, config.traces);
    install_kafka_page(host, router);
    add_page_routes(router);
    host.run(std::move(router));
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
