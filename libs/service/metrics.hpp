#pragma once
// The metrics that every service has besides its loops: requests, open connections, the progress of
// its start, lost log lines. Owned by Host::run; io thread.
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

#include <prometheus/registry.h>

#include "core/start_steps.hpp"
#include "http/server.hpp"
#include "postgres/connection.hpp"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace orderflow::service {

// Request counts and durations by route; open connections.
class HttpMetrics {
public:
    explicit HttpMetrics(prometheus::Registry& registry);

    // Hooks for the server. They count requests in this object, and log the exceptions of handlers.
    // This object must outlive them.
    http::Hooks hooks();
    void show(const http::ServerStats& stats);

private:
    void observe(std::string_view method, std::string_view route, int status,
                 std::chrono::nanoseconds took);

    struct Cell {
        prometheus::Counter* requests;
        prometheus::Histogram* seconds;
    };
    prometheus::Family<prometheus::Counter>& requests_;
    prometheus::Family<prometheus::Histogram>& seconds_;
    prometheus::Gauge& connections_;
    prometheus::Gauge& websockets_;
    prometheus::Family<prometheus::Counter>& websocket_ends_;
    std::unordered_map<std::string, Cell> cells_;
    std::string key_;
};

// The progress of the start, and lost log lines.
class ProcessMetrics {
public:
    // `environment`: the name of the environment in which the process runs.
    ProcessMetrics(prometheus::Registry& registry, const std::string& environment,
                   const std::string& log_level);
    void show(const StartSteps& steps, const postgres::Usage& usage);

private:
    prometheus::Family<prometheus::Gauge>& steps_;
    prometheus::Counter& database_busy_;
    prometheus::Gauge& database_connections_;
    prometheus::Counter& lost_lines_;
};

}  // namespace orderflow::service
