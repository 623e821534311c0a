#include "analytics/timeline/trace_export.hpp"

#include <algorithm>
#include <exception>
#include <unordered_map>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include "analytics/timeline/spans.hpp"

namespace orderflow::analytics {
namespace {

using std::chrono::milliseconds;
using Verdict = CollectorAnswer::Verdict;

constexpr milliseconds kTick{1'000};
constexpr milliseconds kTimeout{10'000};  // of a request, as OpenTelemetry's own exporters have it

auto& trace_counters(prometheus::Registry& registry) {
    return prometheus::BuildCounter()
        .Name("orderflow_traces_total")
        .Help("Finished orders, by the outcome of their traces")
        .Register(registry);
}

auto& request_counters(prometheus::Registry& registry) {
    return prometheus::BuildCounter()
        .Name("orderflow_trace_requests_total")
        .Help("Requests to the collector of traces, by result")
        .Register(registry);
}

}  // namespace

TraceMetrics::TraceMetrics(prometheus::Registry& registry)
    : exported(trace_counters(registry).Add({{"outcome", "exported"}})),
      not_sampled(trace_counters(registry).Add({{"outcome", "not_sampled"}})),
      queue_full(trace_counters(registry).Add({{"outcome", "queue_full"}})),
      refused(trace_counters(registry).Add({{"outcome", "refused"}})),
      unavailable(trace_counters(registry).Add({{"outcome", "unavailable"}})),
      stopped(trace_counters(registry).Add({{"outcome", "stopped"}})),
      gone(trace_counters(registry).Add({{"outcome", "gone"}})),
      requests_accepted(request_counters(registry).Add({{"outcome", "accepted"}})),
      requests_partial(request_counters(registry).Add({{"outcome", "partial"}})),
      requests_failed(request_counters(registry).Add({{"outcome", "failed"}})),
      requests_refused(request_counters(registry).Add({{"outcome", "refused"}})) {}

TraceExport::TraceExport(EndedOrders& ended, Source source, Collector& collector,
                         TraceMetrics& metrics, std::string environment)
    : ended_(ended),
      source_(std::move(source)),
      collector_(collector),
      metrics_(metrics),
      environment_(std::move(environment)) {}

// Makes the next request from the due orders; false: none is due. `last`: all orders are due, and
// none waits any longer.
bool TraceExport::prepare(Clock::time_point now, bool last) {
    if (batch_.empty()) {
        batch_ = ended_.take(last ? Clock::time_point::max() : now, kOrdersPerRequest);
        more_ = batch_.size() == kOrdersPerRequest;
    }
    if (batch_.empty()) return false;
    std::vector<OrderId> ids;
    std::unordered_map<OrderId, int> looks;
    for (const auto& entry : batch_) {
        ids.push_back(entry.id);
        looks[entry.id] = entry.looks + 1;
    }
    std::vector<KnownOrder> orders = source_(ids);
    // A restored database may be older than the ids that are remembered here.
    std::erase_if(orders, [](const KnownOrder& order) { return !end_of(order.timeline); });
    metrics_.gone.Increment(static_cast<double>(looks.size() - orders.size()));
    std::erase_if(orders, [&](const KnownOrder& order) {
        if (!is_sampled(order.timeline)) {
            metrics_.not_sampled.Increment();
            return true;
        }
        const int n = looks.at(order.id);
        if (is_whole(order.timeline) || (n == kLooks && !last)) return false;
        last ? metrics_.stopped.Increment() : ended_.put_back({order.id, {}, n}, now);
        return true;
    });
    batch_.clear();
    if (orders.empty()) return true;
    request_.emplace();
    request_->body = traces_json(orders, environment_);
    request_->orders = orders.size();
    return true;
}

CollectorAnswer TraceExport::send(milliseconds timeout, const std::stop_token& stop) {
    CollectorAnswer answer = collector_.post(request_->body, timeout, stop);
    if (answer.verdict == Verdict::failed && stop.stop_requested()) return answer;  // cut off
    note(answer);
    switch (answer.verdict) {
        case Verdict::accepted:
            metrics_.requests_accepted.Increment();
            end_request(metrics_.exported);
            break;
        case Verdict::partial:
            metrics_.requests_partial.Increment();
            end_request(metrics_.exported);
            break;
        case Verdict::failed:
            metrics_.requests_failed.Increment();
            if (++request_->tries == kTries) end_request(metrics_.unavailable);
            break;
        case Verdict::refused:
            metrics_.requests_refused.Increment();
            end_request(metrics_.refused);
            break;
    }
    return answer;
}

// Ends the request, and counts its orders in `outcome`.
void TraceExport::end_request(prometheus::Counter& outcome) {
    outcome.Increment(static_cast<double>(request_->orders));
    request_.reset();
}

// One line when the collector stops accepting requests, and one when it accepts them again.
void TraceExport::note(const CollectorAnswer& answer) {
    const bool taken = answer.verdict == Verdict::accepted;
    if (taken == std::exchange(is_taken_, taken)) return;
    if (taken) {
        spdlog::info("traces: the collector accepts traces again");
    } else {
        spdlog::warn("traces: the collector does not accept traces: {}", answer.why);
    }
}

// A random part of the backoff, from half to all of it, so that processes that failed together do
// not come back together.
milliseconds TraceExport::until_next_try(const CollectorAnswer& answer) {
    const auto longest = request_->backoff.next().count();
    std::uniform_int_distribution<milliseconds::rep> between(longest / 2, longest);
    return std::max(milliseconds{between(jitter_)}, answer.not_before);
}

milliseconds TraceExport::step(Clock::time_point now, const std::stop_token& stop) {
    const bool taken = request_ || prepare(now, false);
    if (!taken) return kTick;
    if (request_) {
        const CollectorAnswer answer = send(kTimeout, stop);
        if (request_) return until_next_try(answer);
    }
    return more_ ? milliseconds{0} : kTick;
}

std::size_t TraceExport::finish(Clock::time_point end) {
    const double before = metrics_.stopped.Value();
    try {
        for (auto now = Clock::now(); now < end; now = Clock::now()) {
            if (!request_ && !prepare(now, true)) break;
            if (!request_) continue;
            send(std::chrono::ceil<milliseconds>(end - now), {});
            if (request_) break;
        }
    } catch (const std::exception& error) {
        spdlog::warn("traces: {}", error.what());
    }
    if (request_) end_request(metrics_.stopped);
    const auto rest = ended_.take(Clock::time_point::max(), EndedOrders::kCapacity);
    metrics_.stopped.Increment(static_cast<double>(batch_.size() + rest.size()));
    return static_cast<std::size_t>(metrics_.stopped.Value() - before);
}

}  // namespace orderflow::analytics
