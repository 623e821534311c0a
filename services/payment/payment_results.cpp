#include "payment/payment_results.hpp"

#include <algorithm>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <spdlog/spdlog.h>

#include "core/backoff.hpp"
#include "core/pause.hpp"
#include "loops/bisect.hpp"
#include "loops/failures.hpp"
#include "outbox/aggregates.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::payment {

using outbox::BatchOutput;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr milliseconds kTick{200};  // between two steps of the recovery
constexpr seconds kTickAfterFailure{5};
constexpr milliseconds kLongestPause{1'000};  // between two tries to save results
constexpr seconds kWarnEvery{5};

}  // namespace

bool apply_results(PaymentStore& store, std::span<const GatewayResult> results, Instant now,
                   BatchOutput& out, Alarms& alarms) {
    const auto ids = outbox::distinct_ids(results, [](const GatewayResult& r) { return &r.id; });
    Payments payments = store.load(ids);
    for (const GatewayResult& result : results) {
        const Payment* payment = payments.find(result.id);
        if (!payment) continue;
        Decision decision = apply_answer(*payment, result, now);
        if (decision.alarm) alarms.emplace_back(result.id, *decision.alarm);
        for (auto& event : decision.events) out.emit(std::move(event), payment->traceparent);
        if (decision.next) payments.put(result.id, std::move(*decision.next));
    }
    return store.save(payments);
}

void commit_results(outbox::UnitOfWork& work, PaymentStore& store,
                    std::span<const GatewayResult> results, const PartDone& done) {
    auto commit = [&](std::span<const GatewayResult> part) {
        ResultReport report;
        outbox::run_transaction(work, [&](Instant now, BatchOutput& out) {
            report.alarms.clear();
            const bool saved = apply_results(store, part, now, out, report.alarms);
            report.emitted = PaymentMetrics::counts(out.events);
            return saved;
        });
        done(part, report);
    };
    auto guilty = [&](const GatewayResult& result, const std::string& what) {
        ResultReport report;
        report.failed.emplace_back(result.id, what);
        done({&result, 1}, report);
    };
    loops::bisect(results, commit, guilty);
}

bool ResultStep::take(BatchQueue<GatewayResult>& results, milliseconds at_most) {
    if (batch_.empty()) batch_ = results.take(at_most);
    return !batch_.empty();
}

void ResultStep::commit(Instant now) {
    std::size_t done = 0;
    const auto part_done = [&](std::span<const GatewayResult> part, const ResultReport& report) {
        done += part.size();
        committed(part, report, now);
    };
    try {
        commit_results(work_, store_, batch_, part_done);
    } catch (...) {
        batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(done));
        throw;
    }
    batch_.clear();
}

void ResultStep::committed(std::span<const GatewayResult> part, const ResultReport& report,
                           Instant now) {
    calls_.committed(part);
    recovery_.committed(part, now, report.alarms);
    for (const auto& [id, what] : report.failed) recovery_.failed(id, now);
    watcher_.committed(part, report.emitted);
    for (const auto& [id, what] : report.failed) watcher_.failed(id, what);
    for (const auto& [id, alarm] : report.alarms) watcher_.raised(id, alarm);
}

std::optional<std::size_t> ResultStep::recover(Instant now) {
    if (now < next_look_) return std::nullopt;
    next_look_ = now + kTickAfterFailure;
    const std::size_t before = recovery_.calls_made();
    recovery_.step(store_, calls_, now);
    next_look_ = now + kTick;
    return recovery_.calls_made() - before;
}

ResultLoop::ResultLoop(const loops::Context& context, BatchQueue<GatewayResult>& results,
                       Calls& calls, PaymentMetrics& metrics)
    : results_(results),
      calls_(calls),
      metrics_(metrics),
      thread_([this, context](std::stop_token stop) { run(stop, context); }) {}

void ResultLoop::stop() {
    results_.close();
    request_stop();
    if (thread_.joinable()) thread_.join();
}

namespace {

// The objects that a ResultLoop's thread uses besides the queue: the step on a connection of its
// own, and its metrics and log.
class ResultThread final : ResultWatcher {
public:
    ResultThread(const loops::Context& context, Calls& calls, PaymentMetrics& metrics)
        : metrics_(metrics),
          failures_(loops::failure_counter(context.registry, "results")),
          connection_(context.database_url),
          work_(connection_, context.service, context.relay_feed),
          store_(make_payment_store(connection_)),
          calls_(calls),
          step_(work_, *store_, calls, *this, system_now()) {}

    // False: nothing came.
    bool take(BatchQueue<GatewayResult>& results) { return step_.take(results, kTick); }

    // Repeats until the results are committed (true), or until a stop is requested: false, they are
    // dropped.
    bool commit(const std::stop_token& stop) {
        Backoff backoff;
        for (;;) {
            try {
                step_.commit(system_now());
                return true;
            } catch (const std::exception&) {
                failures_.Increment();
                loops::report_failure("results", connection_);
                if (stop.stop_requested()) return false;
                pause(stop, std::min(backoff.next(), kLongestPause));
            }
        }
    }

    void recover() {
        const Instant now = system_now();
        try {
            const auto calls_made = step_.recover(now);
            if (!calls_made) return;
            metrics_.retried.Increment(static_cast<double>(*calls_made));
        } catch (const std::exception&) {
            failures_.Increment();
            loops::report_failure("recovery", connection_);
        }
        metrics_.show(calls_);
        const Recovery& recovery = step_.recovery();
        metrics_.unknown.Set(static_cast<double>(recovery.unknown()));
        metrics_.contradicted.Set(static_cast<double>(recovery.contradicted()));
        metrics_.unknown_oldest_s.Set(static_cast<double>(recovery.oldest_unknown(now).count()));
    }

private:
    // A gateway that is down would fill the log: one line in a while stands for all calls.
    void committed(std::span<const GatewayResult> results,
                   const PaymentMetrics::EventCounts& emitted) override {
        metrics_.count(emitted);
        const GatewayResult* last = nullptr;
        for (const GatewayResult& result : results) {
            if (!is_unclear(result)) continue;
            last = &result;
            ++unclear_;
            metrics_.unclear.Increment();
        }
        const Instant now = system_now();
        if (!last || now < next_warning_) return;
        next_warning_ = now + kWarnEvery;
        const auto detail = std::visit(
            [](const auto& outcome) { return std::get<Unclear>(outcome).detail; }, last->outcome);
        spdlog::warn("gateway: {} calls without a clear outcome, the last for order {}: {}",
                     std::exchange(unclear_, 0), last->id.to_string(), detail);
    }

    void failed(const OrderId& id, const std::string& what) override {
        metrics_.failed.Increment();
        spdlog::error("results: order {}: {}", id.to_string(), what);
    }

    void raised(const OrderId& id, Alarm alarm) override {
        metrics_.count(alarm);
        switch (alarm) {
            case Alarm::wrong_amount:
                spdlog::error("order {}: the gateway's amount differs from the order's",
                              id.to_string());
                return;
            case Alarm::settled_otherwise:
                spdlog::error("order {}: the gateway contradicts an operator's settlement",
                              id.to_string());
                return;
            case Alarm::capture_denied:
                spdlog::error(
                    "order {}: the gateway had reported a capture and now reports that it took "
                    "nothing",
                    id.to_string());
                return;
        }
    }

    PaymentMetrics& metrics_;
    prometheus::Counter& failures_;
    postgres::Connection connection_;
    outbox::PostgresUnitOfWork work_;
    const std::unique_ptr<PaymentStore> store_;
    Calls& calls_;
    ResultStep step_;
    Instant next_warning_{};
    int unclear_ = 0;  // since the last warning
};

}  // namespace

void ResultLoop::run(std::stop_token stop, const loops::Context& context) {
    if (!context.await_database(stop)) return;
    ResultThread thread(context, calls_, metrics_);
    while (!results_.closed() || results_.size() > 0) {
        if (thread.take(results_) && !thread.commit(stop)) return;
        if (!stop.stop_requested()) thread.recover();
    }
}

}  // namespace orderflow::payment
