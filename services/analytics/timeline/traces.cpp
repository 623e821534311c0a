#include "analytics/timeline/traces.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <span>

#include <spdlog/spdlog.h>

#include "analytics/timeline/timeline_store.hpp"
#include "core/pause.hpp"
#include "loops/failures.hpp"

namespace orderflow::analytics {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAfterFailure{1'000};
constexpr milliseconds kFinish{2'000};

}  // namespace

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
        milliseconds rest = kAfterFailure;
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
