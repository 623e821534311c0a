#include "payment/payment_handler.hpp"

#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include "kafka/delivery.hpp"
#include "outbox/aggregates.hpp"
#include "outbox/unit_of_work.hpp"
#include "payment/payment_recovery.hpp"

namespace orderflow::payment {

using kafka::Delivery;
using outbox::BatchOutput;

namespace {

// The calls that are due for the rows of this batch's orders. It includes rows that were open
// before this batch, because the attempt that opened them may have been committed without an
// answer. `Calls` skips calls that are in progress.
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

prometheus::Family<prometheus::Counter>& outcomes(prometheus::Registry& registry) {
    return prometheus::BuildCounter()
        .Name("orderflow_payments_total")
        .Help(
            "Payments by outcome; unclear: calls to the gateway that ended without an outcome; "
            "retried: repeated calls; duplicate: events that were handled before; failed: results "
            "that could not be handled")
        .Register(registry);
}

prometheus::Counter& alarm_counter(prometheus::Registry& registry, const char* alarm) {
    return prometheus::BuildCounter()
        .Name("orderflow_payment_alarms_total")
        .Help(
            "Payments that an operator must examine: the gateway contradicts the order's amount, "
            "an operator's settlement, or itself")
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
      capture_denied(alarm_counter(registry, "capture_denied")),
      unknown(
          gauge(registry, "orderflow_payments_unknown",
                "Payments whose charge has no clear outcome now, as far as this process knows")),
      unknown_oldest_s(gauge(registry, "orderflow_payments_unknown_oldest_seconds",
                             "Age of the oldest payment without a clear outcome, seconds")),
      contradicted(gauge(registry, "orderflow_payments_contradicted",
                         "Payments that ended differently from an operator's settlement or the "
                         "gateway's earlier answer; as of the last walk over the table")),
      calls(prometheus::BuildGauge()
                .Name("orderflow_gateway_calls")
                .Help("Calls to the payment gateway that are running or waiting, by pool")
                .Register(registry)) {}

PaymentMetrics::EventCounts PaymentMetrics::counts(std::span<const outbox::OutgoingEvent> emitted) {
    EventCounts counts{};
    for (const auto& event : emitted) ++counts[event.data.index()];
    return counts;
}

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
        case Alarm::capture_denied: capture_denied.Increment(); return;
    }
}

void PaymentMetrics::show(const Calls& now) {
    for (const auto& [kind, name] :
         {std::pair{CallKind::charge, "charge"}, std::pair{CallKind::retry, "retry"},
          std::pair{CallKind::cancel, "cancel"}}) {
        const Calls::Load load = now.load(kind);
        calls.Add({{"pool", name}, {"state", "running"}}).Set(static_cast<double>(load.running));
        calls.Add({{"pool", name}, {"state", "waiting"}}).Set(static_cast<double>(load.waiting));
    }
}

bool PaymentHandler::handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) {
    const auto ids = outbox::distinct_ids(batch, [](const Delivery& d) { return d.order_id(); });
    Payments payments = store_->load(ids);
    duplicates_ = 0;
    for (const Delivery& delivery : batch) {
        const OrderId& id = delivery.order();
        Decision decision = decide(payments.find(id), delivery.event, delivery.traceparent, now);
        for (auto& event : decision.events) out.emit(std::move(event), delivery.traceparent);
        if (decision.next) {
            payments.put(id, std::move(*decision.next));
        } else {
            ++duplicates_;
        }
    }
    due_ = calls_due(payments, ids);
    emitted_ = PaymentMetrics::counts(out.events);
    return store_->save(payments);
}

void PaymentHandler::committed() {
    metrics_.count(emitted_);
    metrics_.duplicate.Increment(static_cast<double>(duplicates_));
    if (!due_.empty()) submit_(std::exchange(due_, {}));
}

bool settle_payment(PaymentStore& store, const OrderId& id, Settlement as, const std::string& by,
                    Instant now, BatchOutput& out, bool& settled) {
    Payments payments = store.load({&id, 1});
    const Payment* payment = payments.find(id);
    auto decision = payment ? settle_by_hand(id, *payment, as, by, now) : std::nullopt;
    const bool again = payment && payment->settled_as == as;  // settled the same way before
    settled = decision.has_value() || again;
    if (!decision) return true;
    for (auto& event : decision->events) out.emit(std::move(event), payment->traceparent);
    payments.put(id, std::move(*decision->next));
    return store.save(payments);
}

}  // namespace orderflow::payment
