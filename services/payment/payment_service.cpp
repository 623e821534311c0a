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

constexpr seconds kUntouched{10};             // younger rows are another loop's memory's business
constexpr milliseconds kFirstLook{500};       // at a payment whose call was unclear or dropped
constexpr milliseconds kTick{200};            // between two steps of the recovery
constexpr seconds kRecentEvery{5};
constexpr std::chrono::minutes kAllEvery{10};
constexpr std::chrono::hours kRecentAtStart{1};
constexpr std::int64_t kPageRows = 2'000;
constexpr std::size_t kDueAtOnce = 1'000;     // looked up by id in one step
constexpr std::size_t kRemembered = 50'000;
constexpr milliseconds kLongestPause{1'000};  // between two tries to save results
constexpr seconds kWarnEvery{5};

// The smallest id of a millisecond: a UUIDv7 begins with 48 bits of them.
OrderId first_id(Instant instant) {
    const auto ms = std::chrono::floor<milliseconds>(instant).time_since_epoch().count();
    OrderId id;
    for (std::size_t i = 0; i < 6; ++i) {
        id.bytes[i] = static_cast<std::uint8_t>(ms >> (8 * (5 - i)));
    }
    return id;
}

CallKind call_of(State open) {
    switch (open) {
        case State::INTENT: return CallKind::charge;
        case State::UNKNOWN: return CallKind::retry;
        case State::CANCELLING: return CallKind::cancel;
        case State::CAPTURED:
        case State::DECLINED:
        case State::REFUNDED:
        case State::NEVER_CHARGED: break;
    }
    throw std::logic_error("no call is due in this state");
}

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
        .Help("Payments by outcome; unclear: calls to the gateway that ended without one")
        .Register(registry);
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
    for (const Delivery& delivery : batch) {
        const OrderId& id = *delivery.order_id();
        Decision decision = decide(payments.find(id), delivery.event, delivery.traceparent, now);
        for (auto& event : decision.events) out.emit(std::move(event), delivery.traceparent);
        if (decision.next) payments.put(id, std::move(*decision.next));
    }
    due_ = calls_due(payments, ids);
    emitted_ = counts(out.events);
    return store_.save(payments);
}

void PaymentService::committed() {
    metrics_.count(emitted_);
    if (!due_.empty()) submit_(std::exchange(due_, {}));
}

bool apply_results(PaymentStore& store, std::span<const GatewayResult> results, Instant now,
                   BatchOutput& out) {
    const auto ids =
        messaging::distinct_orders(results, [](const GatewayResult& r) { return &r.id; });
    Payments payments = store.load(ids);
    for (const GatewayResult& result : results) {
        const Payment* payment = payments.find(result.id);
        if (!payment) continue;
        Decision decision = settle(*payment, result, now);
        for (auto& event : decision.events) out.emit(std::move(event), payment->traceparent);
        if (decision.next) payments.put(result.id, std::move(*decision.next));
    }
    return store.save(payments);
}

Recovery::Recovery(Instant now) { recent_.position = first_id(now - kRecentAtStart); }

bool Recovery::remember(const OrderId& id, Instant due) {
    const auto [known, added] = due_.try_emplace(id, due);
    if (!added) {
        if (known->second <= due) return true;
        by_time_.erase({known->second, id});
        known->second = due;
    } else if (due_.size() > kRemembered) {
        due_.erase(known);
        return false;
    }
    by_time_.insert({due, id});
    return true;
}

void Recovery::forget(const OrderId& id) {
    const auto known = due_.find(id);
    if (known == due_.end()) return;
    by_time_.erase({known->second, id});
    due_.erase(known);
}

// What is not remembered must be walked over again.
void Recovery::step_back(const OrderId& id, Instant now) {
    OrderId before = id;
    std::fill(before.bytes.begin() + 6, before.bytes.end(), std::uint8_t{0});
    if (before >= recent_.position) return;
    recent_.position = before;
    recent_.resume = now + kRecentEvery;
}

std::vector<OrderId> Recovery::due(Instant now, std::size_t at_most) const {
    std::vector<OrderId> ids;
    for (const auto& [time, id] : by_time_) {
        if (time > now || ids.size() == at_most) break;
        ids.push_back(id);
    }
    std::ranges::sort(ids);
    return ids;
}

void Recovery::settled(std::span<const GatewayResult> results, Instant now) {
    for (const GatewayResult& result : results) {
        if (!is_unclear(result)) {
            unknown_.erase(result.id);
        } else if (!remember(result.id, now + kFirstLook)) {
            step_back(result.id, now);
        }
    }
}

void Recovery::step(PaymentStore& store, Calls& calls, Instant now) {
    take_overflow(calls, now);
    call_due(store, calls, now);
    walk_recent(store, calls, now);
    walk_all(store, calls, now);
}

void Recovery::take_overflow(Calls& calls, Instant now) {
    const Calls::Overflow overflow = calls.take_overflow();
    for (const OrderId& id : overflow.ids) {
        if (!remember(id, now + kFirstLook)) step_back(id, now);
    }
    if (overflow.lost_from) step_back(*overflow.lost_from, now);
}

// Puts a call that is due into `calls`, remembers one that is not. False: too many are remembered.
bool Recovery::call_or_remember(const OpenPayment& payment, milliseconds at_least, Instant now,
                                std::vector<Call>& calls) {
    if (payment.state != State::UNKNOWN) {
        unknown_.erase(payment.id);
    } else if (unknown_.size() < kRemembered) {
        unknown_[payment.id] = payment.opened_at;
    }
    const Instant due = payment.touched_at + std::max(at_least, retry_after(payment.attempts));
    if (due > now) return remember(payment.id, due);
    calls.push_back({payment.id, call_of(payment.state), payment.amount, payment.token});
    return true;
}

void Recovery::call_due(PaymentStore& store, Calls& calls, Instant now) {
    std::size_t room = kDueAtOnce;
    for (const auto kind : {CallKind::charge, CallKind::retry, CallKind::cancel}) {
        room = std::min(room, calls.load(kind).room);
    }
    const std::vector<OrderId> ids = due(now, room);
    if (ids.empty()) return;
    const std::vector<OpenPayment> open = store.find_open(ids);
    for (const OrderId& id : ids) {
        forget(id);
        unknown_.erase(id);
    }
    std::vector<Call> ready;
    for (const OpenPayment& payment : open) {
        call_or_remember(payment, milliseconds{0}, now, ready);  // `ids` left room to remember
    }
    calls.submit(std::move(ready));
}

OpenPage Recovery::next_page(PaymentStore& store, Walk& walk, Instant now) {
    if (now < walk.resume) return {};
    const OrderId upto = walk.upto > walk.position ? walk.upto : first_id(now - kUntouched);
    if (upto <= walk.position) return {};
    OpenPage page = store.scan_open(walk.position, upto, kPageRows);
    walk.upto = upto;
    walk.position = page.last.value_or(upto);
    return page;
}

void Recovery::walk_recent(PaymentStore& store, Calls& calls, Instant now) {
    const OpenPage page = next_page(store, recent_, now);
    if (recent_.position >= recent_.upto && now >= recent_.resume) {
        recent_.resume = now + kRecentEvery;
    }
    std::vector<Call> ready;
    for (const OpenPayment& payment : page.open) {
        const bool known = due_.contains(payment.id);
        if (!known && !call_or_remember(payment, kUntouched, now, ready)) {
            step_back(payment.id, now);
        }
    }
    calls.submit(std::move(ready));
}

void Recovery::walk_all(PaymentStore& store, Calls& calls, Instant now) {
    const OpenPage page = next_page(store, all_, now);
    if (all_.position >= all_.upto && now >= all_.resume) {
        all_ = {};
        all_.resume = now + kAllEvery;
    }
    std::vector<Call> ready;
    for (const OpenPayment& payment : page.open) {
        if (!due_.contains(payment.id)) call_or_remember(payment, kUntouched, now, ready);
    }
    calls.submit(std::move(ready));
}

seconds Recovery::oldest_unknown(Instant now) const {
    Instant oldest = now;
    for (const auto& [id, opened_at] : unknown_) oldest = std::min(oldest, opened_at);
    return std::chrono::floor<seconds>(now - oldest);
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
            recovery_.step(*store_, calls_, now);
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
        PaymentMetrics::EventCounts emitted{};
        messaging::run_transaction(work_, [&](Instant now, BatchOutput& out) {
            const bool saved = apply_results(*store_, batch, now, out);
            emitted = counts(out.events);
            return saved;
        });
        metrics_.count(emitted);
        calls_.settled(batch);
        recovery_.settled(batch, system_now());
        warn(batch);
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
