#include "payment/payment_service.hpp"

#include <algorithm>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <spdlog/spdlog.h>

namespace orderflow::payment {

using messaging::BatchOutput;
using messaging::Delivery;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr milliseconds kTick{200};            // between two steps of the recovery
constexpr milliseconds kLongestPause{1'000};  // between two tries to save results
constexpr seconds kWarnEvery{5};

// The calls that the rows of this batch's orders ask for: also those that it found open, since the
// attempt that opened them may have been committed without anybody knowing. `Calls` leaves out what
// is under way.
std::vector<Call> calls_due(const Payments& payments, std::span<const OrderId> ids) {
    std::vector<Call> calls;
    for (const OrderId& id : ids) {
        const Payment* payment = payments.find(id);
        if (!payment || !is_open(payment->state)) continue;
        const events::Order& order = payment->order.value();
        calls.push_back({id, call_of(payment->state), amount_of(order), order.payment.token});
    }
    return calls;
}

PaymentMetrics::EventCounts counts(const std::vector<messaging::OutgoingEvent>& emitted) {
    PaymentMetrics::EventCounts counts{};
    for (const auto& event : emitted) ++counts[event.data.index()];
    return counts;
}

prometheus::Family<prometheus::Counter>& outcomes(prometheus::Registry& registry) {
    return prometheus::BuildCounter()
        .Name("orderflow_payments_total")
        .Help("Payments by outcome; unclear: calls to the gateway that ended without one; "
              "retried: calls made again; duplicate: events handled before; failed: results that "
              "could not be handled")
        .Register(registry);
}

prometheus::Counter& alarm_counter(prometheus::Registry& registry, const char* alarm) {
    return prometheus::BuildCounter()
        .Name("orderflow_payment_alarms_total")
        .Help("Payments that somebody has to look at: the gateway contradicts the order's amount, "
              "or what an operator said for it")
        .Register(registry)
        .Add({{"alarm", alarm}});
}

prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

PaymentMetrics::PaymentMetrics(prometheus::Registry& registry)
    : captured(outcomes(registry).Add({{"outcome", "captured"}})),
      declined(outcomes(registry).Add({{"outcome", "declined"}})),
      refunded(outcomes(registry).Add({{"outcome", "refunded"}})),
      nothing(outcomes(registry).Add({{"outcome", "nothing"}})),
      unclear(outcomes(registry).Add({{"outcome", "unclear"}})),
      duplicate(outcomes(registry).Add({{"outcome", "duplicate"}})),
      retried(outcomes(registry).Add({{"outcome", "retried"}})),
      failed(outcomes(registry).Add({{"outcome", "failed"}})),
      wrong_amount(alarm_counter(registry, "wrong_amount")),
      settled_otherwise(alarm_counter(registry, "settled_otherwise")),
      unknown(gauge(registry, "orderflow_payments_unknown",
                    "Payments whose charge has no clear outcome, as the recovery sees them")),
      unknown_oldest_s(gauge(registry, "orderflow_payments_unknown_oldest_seconds",
                             "Age of the oldest payment without a clear outcome, seconds")),
      calls(prometheus::BuildGauge()
                .Name("orderflow_gateway_calls")
                .Help("Calls to the payment gateway that are running or waiting, by pool")
                .Register(registry)) {}

void PaymentMetrics::count(const EventCounts& emitted) {
    const auto add = [&](prometheus::Counter& counter, events::EventKind kind) {
        counter.Increment(static_cast<double>(emitted[static_cast<std::size_t>(kind)]));
    };
    add(captured, events::EventKind::PaymentCaptured);
    add(declined, events::EventKind::PaymentDeclined);
    add(refunded, events::EventKind::PaymentRefunded);
    add(nothing, events::EventKind::NothingToCompensate);
}

void PaymentMetrics::count(Alarm alarm) {
    switch (alarm) {
        case Alarm::wrong_amount: wrong_amount.Increment(); return;
        case Alarm::settled_otherwise: settled_otherwise.Increment(); return;
    }
}

void PaymentMetrics::show(const Calls& now) {
    for (const auto& [kind, name] : {std::pair{CallKind::charge, "charge"},
                                     std::pair{CallKind::retry, "retry"},
                                     std::pair{CallKind::cancel, "cancel"}}) {
        const Calls::Load load = now.load(kind);
        calls.Add({{"pool", name}, {"state", "running"}}).Set(static_cast<double>(load.running));
        calls.Add({{"pool", name}, {"state", "waiting"}}).Set(static_cast<double>(load.waiting));
    }
}

bool PaymentService::handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) {
    const auto ids =
        messaging::distinct_orders(batch, [](const Delivery& d) { return d.order_id(); });
    Payments payments = store_.load(ids);
    duplicates_ = 0;
    for (const Delivery& delivery : batch) {
        const OrderId& id = *delivery.order_id();
        Decision decision = decide(payments.find(id), delivery.event, delivery.traceparent, now);
        for (auto& event : decision.events) out.emit(std::move(event), delivery.traceparent);
        if (decision.next) {
            payments.put(id, std::move(*decision.next));
        } else {
            ++duplicates_;
        }
    }
    due_ = calls_due(payments, ids);
    emitted_ = counts(out.events);
    return store_.save(payments);
}

void PaymentService::committed() {
    metrics_.count(emitted_);
    metrics_.duplicate.Increment(static_cast<double>(duplicates_));
    if (!due_.empty()) submit_(std::exchange(due_, {}));
}

bool apply_results(PaymentStore& store, std::span<const GatewayResult> results, Instant now,
                   BatchOutput& out, Alarms& alarms) {
    const auto ids =
        messaging::distinct_orders(results, [](const GatewayResult& r) { return &r.id; });
    Payments payments = store.load(ids);
    for (const GatewayResult& result : results) {
        const Payment* payment = payments.find(result.id);
        if (!payment) continue;
        Decision decision = settle(*payment, result, now);
        if (decision.alarm) alarms.emplace_back(result.id, *decision.alarm);
        for (auto& event : decision.events) out.emit(std::move(event), payment->traceparent);
        if (decision.next) payments.put(result.id, std::move(*decision.next));
    }
    return store.save(payments);
}

ResultReport commit_results(messaging::UnitOfWork& work, PaymentStore& store,
                            std::span<const GatewayResult> results) {
    ResultReport report;
    auto commit = [&](std::span<const GatewayResult> part) {
        PaymentMetrics::EventCounts emitted{};
        Alarms alarms;
        messaging::run_transaction(work, [&](Instant now, BatchOutput& out) {
            alarms.clear();
            const bool saved = apply_results(store, part, now, out, alarms);
            emitted = counts(out.events);
            return saved;
        });
        for (std::size_t i = 0; i < emitted.size(); ++i) report.emitted[i] += emitted[i];
        report.alarms.insert(report.alarms.end(), alarms.begin(), alarms.end());
    };
    auto guilty = [&](const GatewayResult& result, const std::string& what) {
        report.failed.emplace_back(result.id, what);
    };
    messaging::bisect(results, commit, guilty);
    return report;
}

bool settle_payment(PaymentStore& store, const OrderId& id, Settlement as, const std::string& by,
                    Instant now, BatchOutput& out, bool& settled) {
    Payments payments = store.load({&id, 1});
    const Payment* payment = payments.find(id);
    auto decision = payment ? settle_by_hand(id, *payment, as, by, now) : std::nullopt;
    const bool again = payment && payment->settled_as == as;  // said before
    settled = decision.has_value() || again;
    if (!decision) return true;
    for (auto& event : decision->events) out.emit(std::move(event), payment->traceparent);
    payments.put(id, std::move(*decision->next));
    return store.save(payments);
}

ResultLoop::ResultLoop(const messaging::LoopContext& context, BatchQueue<GatewayResult>& results,
                       Calls& calls, PaymentMetrics& metrics)
    : results_(results),
      calls_(calls),
      metrics_(metrics),
      thread_([this, context] { run(context); }) {}

void ResultLoop::stop() {
    results_.close();
    if (thread_.joinable()) thread_.join();
}

namespace {

// One result transaction after the other, with the recovery in between: what a ResultLoop's thread
// works with.
class Settler {
public:
    Settler(const messaging::LoopContext& context, Calls& calls, PaymentMetrics& metrics)
        : metrics_(metrics),
          failures_(messaging::failure_counter(context.registry, "results")),
          connection_(context.database_url),
          work_(connection_, context.service, context.bell),
          store_(make_payment_store(connection_)),
          calls_(calls),
          recovery_(system_now()) {}

    // Until it is committed. A result that is lost in memory would only cost another call, but
    // while the process lives its order counts as being called. False: `stopping` says give up.
    bool commit(const std::vector<GatewayResult>& batch, const std::function<bool()>& stopping) {
        messaging::Backoff backoff;
        for (;;) {
            try {
                commit_once(batch);
                return true;
            } catch (const std::exception&) {
                failures_.Increment();
                messaging::report_failure("results", connection_);
                if (stopping()) return false;
                std::this_thread::sleep_for(std::min(backoff.next(), kLongestPause));
            }
        }
    }

    void recover() {
        const Instant now = system_now();
        if (now < next_step_) return;
        next_step_ = now + (failing_ ? milliseconds{kWarnEvery} : kTick);
        metrics_.show(calls_);
        try {
            const std::size_t before = recovery_.calls_made();
            recovery_.step(*store_, calls_, now);
            metrics_.retried.Increment(static_cast<double>(recovery_.calls_made() - before));
            failing_ = false;
        } catch (const std::exception&) {
            failures_.Increment();
            messaging::report_failure("recovery", connection_);
            failing_ = true;
        }
        metrics_.unknown.Set(static_cast<double>(recovery_.unknown()));
        metrics_.unknown_oldest_s.Set(static_cast<double>(recovery_.oldest_unknown(now).count()));
    }

private:
    void commit_once(const std::vector<GatewayResult>& batch) {
        const ResultReport report = commit_results(work_, *store_, batch);
        metrics_.count(report.emitted);
        calls_.settled(batch);
        recovery_.settled(batch, system_now(), report.alarms);
        for (const auto& [id, what] : report.failed) {
            metrics_.failed.Increment();
            spdlog::error("results: order {}: {}", id.to_string(), what);
            recovery_.failed(id, system_now());
        }
        for (const auto& [id, alarm] : report.alarms) sound(id, alarm);
        warn(batch);
    }

    void sound(const OrderId& id, Alarm alarm) {
        metrics_.count(alarm);
        switch (alarm) {
            case Alarm::wrong_amount:
                spdlog::error("order {}: the gateway speaks of another amount than the order's",
                              id.to_string());
                return;
            case Alarm::settled_otherwise:
                spdlog::error("order {}: the gateway contradicts what an operator said for it",
                              id.to_string());
                return;
        }
    }

    // A gateway that is down would fill the log: one line in a while, for all of them.
    void warn(const std::vector<GatewayResult>& batch) {
        const GatewayResult* last = nullptr;
        for (const GatewayResult& result : batch) {
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

    PaymentMetrics& metrics_;
    prometheus::Counter& failures_;
    postgres::Connection connection_;
    messaging::PostgresUnitOfWork work_;
    const std::unique_ptr<PaymentStore> store_;
    Calls& calls_;
    Recovery recovery_;
    Instant next_step_{};
    Instant next_warning_{};
    bool failing_ = false;
    int unclear_ = 0;  // since the last warning
};

}  // namespace

void ResultLoop::run(messaging::LoopContext context) {
    Settler settler(context, calls_, metrics_);
    const auto stopping = [this] { return results_.closed(); };
    while (!results_.closed() || results_.size() > 0) {
        const std::vector<GatewayResult> batch = results_.take(kTick);
        if (!batch.empty() && !settler.commit(batch, stopping)) return;
        if (!stopping()) settler.recover();
    }
}

}  // namespace orderflow::payment
