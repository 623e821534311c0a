#include "analytics/timeline/traces.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <memory>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <rapidjson/document.h>
#include <spdlog/spdlog.h>

#include "analytics/timeline/spans.hpp"
#include "core/pause.hpp"
#include "events/announcements.hpp"
#include "http/retry_after.hpp"
#include "loops/failures.hpp"

namespace orderflow::analytics {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Verdict = CollectorAnswer::Verdict;

constexpr milliseconds kTick{1'000};
constexpr milliseconds kTimeout{10'000};  // of a request, as OpenTelemetry's own exporters have it
constexpr milliseconds kFinish{2'000};
constexpr milliseconds kLookForStop{50};
constexpr std::size_t kShown = 200;  // bytes of a collector's text

constexpr bool may_pass(int status) {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

// The reason why a collector that answers 2xx left spans out; nullopt: it accepted all. The number
// of them is a string in protobuf's JSON, and may be a number.
std::optional<std::string> left_out(const std::string& body) {
    rapidjson::Document answer;
    answer.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
    if (answer.HasParseError() || !answer.IsObject()) return std::nullopt;
    const auto partial = answer.FindMember("partialSuccess");
    if (partial == answer.MemberEnd() || !partial->value.IsObject()) return std::nullopt;
    const auto count = partial->value.FindMember("rejectedSpans");
    if (count == partial->value.MemberEnd()) return std::nullopt;
    const auto& n = count->value;
    const bool none = n.IsString() ? n.GetString() == std::string_view("0") : n == 0;
    if (none) return std::nullopt;
    return "some spans are left out: " + events::printable(body, kShown);
}

// The client needs the origin and the rest separately.
struct Endpoint {
    explicit Endpoint(const std::string& url) {
        const auto host = url.find("://");
        const auto path = host == std::string::npos ? host : url.find('/', host + 3);
        origin = url.substr(0, path);
        target = path == std::string::npos ? "/" : url.substr(path);
        if (!std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f; })) {
            throw std::invalid_argument("not http:// or https://host[:port]/path");
        }
    }
    std::string origin;
    std::string target;
};

// Runs the client's io_context on the caller's thread, while there is a request.
class HttpCollector final : public Collector {
public:
    HttpCollector(const Endpoint& endpoint, const std::string& ca_file)
        : client_(io_, {.origin = endpoint.origin, .ca_file = ca_file}), target_(endpoint.target) {}

    CollectorAnswer post(const std::string& body, milliseconds timeout,
                         const std::stop_token& stop) override {
        const auto result = std::make_shared<std::optional<http::ClientResult>>();
        asio::co_spawn(io_, client_.request("POST", target_, body, timeout),
                       [result](std::exception_ptr failure, http::ClientResult answer) {
                           if (failure) answer.error = "the request cannot be made";
                           *result = std::move(answer);
                       });
        io_.restart();
        while (!*result && !stop.stop_requested()) io_.run_one_for(kLookForStop);
        if (*result) return read_answer(**result);
        return {Verdict::failed, milliseconds{0}, "the process is stopping"};
    }

private:
    asio::io_context io_{1};
    http::Client client_;
    const std::string target_;
};

// The message must name the setting for the operator.
std::unique_ptr<Collector> make_collector(const TraceSettings& settings) {
    try {
        return std::make_unique<HttpCollector>(Endpoint(settings.endpoint), settings.ca_file);
    } catch (const std::exception& error) {
        throw std::invalid_argument(std::string("traces' endpoint: ") + error.what());
    }
}

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

void EndedOrders::push(std::span<const OrderId> ids, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    for (const OrderId& id : ids) add(id, now + kWait, 0);
}

void EndedOrders::put_back(Entry entry, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    add(entry.id, now + kWait, entry.looks);
}

void EndedOrders::add(const OrderId& id, Clock::time_point due, int looks) {
    if (entries_.size() < kCapacity) {
        entries_.push_back({id, due, looks});
    } else {
        metrics_.queue_full.Increment();
    }
}

std::vector<EndedOrders::Entry> EndedOrders::take(Clock::time_point due, std::size_t at_most) {
    std::vector<Entry> taken;
    const std::lock_guard lock(mutex_);
    while (!entries_.empty() && entries_.front().due <= due && taken.size() < at_most) {
        taken.push_back(entries_.front());
        entries_.pop_front();
    }
    return taken;
}

CollectorAnswer read_answer(const http::ClientResult& result) {
    if (!result.is_response()) return {Verdict::failed, milliseconds{0}, result.error};
    if (result.status / 100 == 2) {
        auto why = left_out(result.body);
        if (why) return {Verdict::partial, milliseconds{0}, std::move(*why)};
        return {};
    }
    std::string why = "status " + std::to_string(result.status);
    if (may_pass(result.status)) {
        return {Verdict::failed, http::retry_after(result.headers), std::move(why)};
    }
    if (!result.body.empty()) why += ": " + events::printable(result.body, kShown);
    return {Verdict::refused, milliseconds{0}, std::move(why)};
}

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

TraceLoop::TraceLoop(const loops::Context& context, const TraceSettings& settings,
                     const std::string& environment)
    : metrics_(context.registry) {
    if (settings.endpoint.empty()) return;
    thread_ =
        std::jthread([this, context, environment, collector = make_collector(settings)](
                         std::stop_token stop) { run(stop, context, *collector, environment); });
}

void TraceLoop::run(const std::stop_token& stop, const loops::Context& context,
                    Collector& collector, const std::string& environment) {
    if (!context.await_database(stop)) return;
    auto& failures = loops::failure_counter(context.registry, "traces");
    postgres::Connection connection(context.database_url);
    const auto source = [&](std::span<const OrderId> ids) {
        return find_timelines(connection, ids);
    };
    TraceExport traces(ended_, source, collector, metrics_, environment);
    while (!stop.stop_requested()) {
        milliseconds rest = kTick;
        try {
            rest = traces.step(EndedOrders::Clock::now(), stop);
        } catch (const std::exception&) {
            failures.Increment();
            loops::report_failure("traces", connection);
        }
        pause(stop, rest);
    }
    if (const std::size_t lost = traces.finish(EndedOrders::Clock::now() + kFinish); lost > 0) {
        spdlog::warn("traces: the process stops before the traces of {} orders are sent", lost);
    }
}

OnEnded TraceLoop::on_ended() {
    if (!thread_.joinable()) return {};
    return [this](std::span<const OrderId> ids) { ended_.push(ids, EndedOrders::Clock::now()); };
}

void TraceLoop::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

}  // namespace orderflow::analytics
