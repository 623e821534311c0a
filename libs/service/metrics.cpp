#include "service/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <spdlog/spdlog.h>

#include "service/log.hpp"

namespace orderflow::service {

HttpMetrics::HttpMetrics(prometheus::Registry& registry)
    : requests_(prometheus::BuildCounter()
                    .Name("orderflow_http_requests_total")
                    .Help("HTTP requests answered")
                    .Register(registry)),
      seconds_(prometheus::BuildHistogram()
                   .Name("orderflow_http_request_seconds")
                   .Help("Time from the header of a request to its answer, seconds")
                   .Register(registry)),
      connections_(prometheus::BuildGauge()
                       .Name("orderflow_http_connections")
                       .Help("Open connections of clients, including WebSockets")
                       .Register(registry)
                       .Add({})),
      websockets_(prometheus::BuildGauge()
                      .Name("orderflow_websockets")
                      .Help("Open WebSockets")
                      .Register(registry)
                      .Add({})),
      websocket_ends_(
          prometheus::BuildCounter()
              .Name("orderflow_websocket_ends_total")
              .Help(
                  "Ended WebSockets: closed by the server (by code), closed by the client, or lost")
              .Register(registry)) {}

void HttpMetrics::observe(std::string_view method, std::string_view route, int status,
                          std::chrono::nanoseconds took) {
    key_.assign(method).append(" ").append(route).append(" ").append(std::to_string(status));
    auto found = cells_.find(key_);
    if (found == cells_.end()) {
        const prometheus::Labels labels{{"method", std::string(method)},
                                        {"route", std::string(route)},
                                        {"status", std::to_string(status)}};
        static const prometheus::Histogram::BucketBoundaries kBuckets{
            0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};
        const Cell cell{&requests_.Add(labels), &seconds_.Add(labels, kBuckets)};
        found = cells_.emplace(key_, cell).first;
    }
    found->second.requests->Increment();
    found->second.seconds->Observe(std::chrono::duration<double>(took).count());
}

http::Hooks HttpMetrics::hooks() {
    http::Hooks hooks;
    hooks.on_request = [this](std::string_view method, std::string_view route, int status,
                              std::chrono::nanoseconds took) {
        observe(method, route, status, took);
    };
    hooks.on_exception = [](std::string_view method, std::string_view route,
                            std::string_view what) {
        spdlog::error("{} {}: {}", method, route, what);
    };
    hooks.on_websocket_end = [this](std::string_view route, std::string_view how) {
        websocket_ends_.Add({{"route", std::string(route)}, {"how", std::string(how)}}).Increment();
    };
    return hooks;
}

void HttpMetrics::show(const http::ServerStats& stats) {
    connections_.Set(static_cast<double>(stats.connections));
    websockets_.Set(static_cast<double>(stats.websockets));
}

ProcessMetrics::ProcessMetrics(prometheus::Registry& registry, const std::string& environment,
                               const std::string& log_level)
    : steps_(prometheus::BuildGauge()
                 .Name("orderflow_start_steps")
                 .Help("Steps of the start that are not done yet, by step")
                 .Register(registry)),
      database_busy_(prometheus::BuildCounter()
                         .Name("orderflow_database_busy_seconds_total")
                         .Help("Seconds that the connections to the database spent in statements")
                         .Register(registry)
                         .Add({})),
      database_connections_(prometheus::BuildGauge()
                                .Name("orderflow_database_connections")
                                .Help("Connections to the database")
                                .Register(registry)
                                .Add({})),
      lost_lines_(prometheus::BuildCounter()
                      .Name("orderflow_log_lines_lost_total")
                      .Help("Lost log lines: the reader of standard error was too slow, or gone")
                      .Register(registry)
                      .Add({})) {
    prometheus::BuildGauge()
        .Name("orderflow_build_info")
        .Help("Always 1; the labels have the version, the environment and the log level")
        .Register(registry)
        .Add({{"version", ORDERFLOW_VERSION},
              {"environment", environment},
              {"log_level", log_level}})
        .Set(1);
}

void ProcessMetrics::show(const StartSteps& steps, const postgres::Usage& usage) {
    for (const auto& [name, count] : steps.counts()) {
        steps_.Add({{"step", name}}).Set(static_cast<double>(count));
    }
    database_busy_.Increment(static_cast<double>(usage.busy_us) / 1e6 - database_busy_.Value());
    database_connections_.Set(static_cast<double>(usage.connections));
    lost_lines_.Increment(static_cast<double>(lost_log_lines()) - lost_lines_.Value());
}

}  // namespace orderflow::service
