#pragma once
// The steps that make traces of the ended orders and send them, over the ports `Source` and
// `Collector`. Used by traces, on its thread.
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "analytics/timeline/ended_orders.hpp"
#include "analytics/timeline/timeline.hpp"
#include "analytics/timeline/trace_collector.hpp"
#include "core/backoff.hpp"

namespace prometheus {
class Counter;
class Registry;
}  // namespace prometheus

namespace orderflow::analytics {

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

}  // namespace orderflow::analytics
