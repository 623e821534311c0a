#pragma once
// Sends each order that has ended as a trace to an OpenTelemetry collector, over HTTP in OTLP's
// JSON encoding; off unless an endpoint is given. A consumer only passes ids, after its commit; a
// separate thread does the rest, with its own connection to the database and its own HTTP client.
//
// Nothing is stored on disk. These traces are lost, and counted if the process still runs: those
// that wait in memory when the process is killed, those that do not fit, and those that the
// collector does not accept in six tries. Each trace is sent once, with two exceptions: a request
// whose answer was lost, and orders whose events are read again because analytics' database was
// restored or recreated. The spans then have the same ids as before.
//
// `TraceExport` has the steps, over `EndedOrders` and `Collector`; `TraceLoop` is the thread around
// them. Used by timeline_install.
#include <stop_token>
#include <string>
#include <thread>

#include "analytics/timeline/ended_orders.hpp"
#include "analytics/timeline/timeline_handler.hpp"
#include "analytics/timeline/trace_collector.hpp"
#include "analytics/timeline/trace_export.hpp"
#include "loops/context.hpp"

namespace orderflow::analytics {

// Has no request_stop() on purpose: the consumers pass ended orders to it until they have stopped,
// and only then the host calls stop().
class TraceLoop {
public:
    // Throws std::invalid_argument for invalid settings. Without an endpoint it does nothing.
    TraceLoop(const loops::Context& context, const TraceSettings& settings,
              const std::string& environment);
    void stop();  // blocks: two seconds at most, and the time of a running statement

    // For the consumers' handlers; empty if it is off.
    OnEnded on_ended();

private:
    void run(const std::stop_token& stop, const loops::Context& context, Collector& collector,
             const std::string& environment);

    TraceMetrics metrics_;
    EndedOrders ended_{metrics_.queue_full};
    std::jthread thread_;  // last: it uses the others
};

}  // namespace orderflow::analytics
