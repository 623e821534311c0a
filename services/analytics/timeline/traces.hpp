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
// `TraceExport` has the steps, over the ports `Source` and `Collector`; `TraceLoop` is the thread
// around them.
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "analytics/timeline/timeline_handler.hpp"
#include "http/client.hpp"
#include "core/backoff.hpp"
#include "loops/context.hpp"

namespace prometheus {
class Counter;
class Registry;
}  // namespace prometheus

namespace orderflow::analytics {

struct TraceSettings {
    std::string endpoint;  // http:// or https://host[:port]/path; empty: off
    std::string ca_file;   // PEM: the only certificates that are trusted; empty: the system's
};

// Present whether or not traces are sent.
struct TraceMetrics {
    explicit TraceMetrics(prometheus::Registry& registry);

    // Orders, by the outcome of their traces.
    prometheus::Counter& exported;
    prometheus::Counter& not_sampled;
    prometheus::Counter& queue_full;
    prometheus::Counter& refused;
    prometheus::Counter& unavailable;
    prometheus::Counter& stopped;
    prometheus::Counter& gone;
    // Requests, by result.
    prometheus::Counter& requests_accepted;
    prometheus::Counter& requests_partial;
    prometheus::Counter& requests_failed;
    prometheus::Counter& requests_refused;
};

// Orders whose traces must be made, the first due order at the front. Thread-safe.
class EndedOrders {
public:
    using Clock = std::chrono::steady_clock;
    struct Entry {
        OrderId id;
        Clock::time_point due;
        int looks = 0;  // at an order with missing events
    };
    static constexpr std::size_t kCapacity = 100'000;
    // How long to wait for the order's other events, because their topics are read at different
    // speeds.
    static constexpr std::chrono::seconds kWait{5};

    explicit EndedOrders(TraceMetrics& metrics) : metrics_(metrics) {}

    // Orders that do not fit are dropped and counted.
    void push(std::span<const OrderId> ids, Clock::time_point now);
    // Again, after another wait.
    void put_back(Entry entry, Clock::time_point now);
    std::vector<Entry> take(Clock::time_point due, std::size_t at_most);

private:
    // With the mutex held.
    void add(const OrderId& id, Clock::time_point due, int looks);

    TraceMetrics& metrics_;
    std::mutex mutex_;
    std::deque<Entry> entries_;
};

// The collector's answer to a request.
struct CollectorAnswer {
    enum class Verdict {
        accepted,
        partial,  // some spans were not accepted, and never will be
        failed,   // to be tried again
        refused,  // never to be tried again
    };
    Verdict verdict = Verdict::accepted;
    std::chrono::milliseconds not_before{0};  // if it failed
    std::string why;
};

// As in OTLP/HTTP: 429, 502, 503, 504 and no answer at all are temporary failures.
CollectorAnswer read_answer(const http::ClientResult& result);

class Collector {
public:
    virtual ~Collector() = default;
    // Blocks. A stop request makes it fail; that failure does not mean that the collector is
    // unavailable. Does not throw.
    virtual CollectorAnswer post(const std::string& body, std::chrono::milliseconds timeout,
                                 const std::stop_token& stop) = 0;
};

// Some orders' traces, on their way or to be sent again.
struct TraceRequest {
    std::string body;
    std::size_t orders = 0;
    int tries = 0;
    Backoff backoff{std::chrono::seconds{1}, std::chrono::seconds{30}};
};

// One thread.
class TraceExport {
public:
    using Clock = EndedOrders::Clock;
    // The timelines of the orders that exist.
    using Source = std::function<std::vector<KnownOrder>(std::span<const OrderId>)>;
    static constexpr std::size_t kOrdersPerRequest = 200;
    static constexpr int kLooks = 12;  // a minute; then the events that exist are sent
    static constexpr int kTries = 6;   // of a request

    TraceExport(EndedOrders& ended, Source source, Collector& collector, TraceMetrics& metrics,
                std::string environment);

    // Makes or repeats one request, if one is due; returns how long to wait before the next step.
    // Throws what the source throws; the next step begins with the same orders.
    std::chrono::milliseconds step(Clock::time_point now, const std::stop_token& stop);
    // For the orderly stop: sends all complete orders, each request once, until `end`. Returns the
    // number of remaining orders, which are counted.
    std::size_t finish(Clock::time_point end);

private:
    bool prepare(Clock::time_point now, bool last);
    CollectorAnswer send(std::chrono::milliseconds timeout, const std::stop_token& stop);
    std::chrono::milliseconds until_next_try(const CollectorAnswer& answer);
    void end_request(prometheus::Counter& outcome);
    void note(const CollectorAnswer& answer);

    EndedOrders& ended_;
    const Source source_;
    Collector& collector_;
    TraceMetrics& metrics_;
    const std::string environment_;
    std::vector<EndedOrders::Entry> batch_;  // taken, and in no request yet
    bool more_ = false;                      // more may be due: the last batch was full
    std::optional<TraceRequest> request_;
    bool is_taken_ = true;  // the collector accepted all requests that were sent last
    std::minstd_rand jitter_{std::random_device{}()};
};

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
    EndedOrders ended_{metrics_};
    std::jthread thread_;  // last: it uses the others
};

}  // namespace orderflow::analytics
