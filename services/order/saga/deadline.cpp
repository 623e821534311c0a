#include "order/saga/deadline.hpp"

#include <algorithm>

#include "kafka/group_watch.hpp"
#include "outbox/postgres_ledger.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::order {

using outbox::BatchOutput;

namespace {

constexpr std::int64_t kPageRows = 5'000;
constexpr std::chrono::hours kRecentAtStart{1};
constexpr std::chrono::minutes kRoundEvery{10};
constexpr std::size_t kRemembered = 50'000;
constexpr std::size_t kAtOnce = 200;  // per second, so this limits the rate
constexpr std::chrono::seconds kDeadlineTick{1};

}  // namespace

void Deadline::look(SagaStore& store, Instant now) {
    const OrderId end = first_order_id(now - age_);
    if (!next_round_) recent_.position = first_order_id(now - age_ - kRecentAtStart);
    recent_.upto = end;
    // A round ends at the time at which it began, otherwise it would follow the time and never end.
    // It also ends when the memory is full: the orders that other processes handle are then mostly
    // done.
    const bool round_over = all_.position >= all_.upto || overdue_.size() >= kRemembered;
    if (!next_round_ || (round_over && now >= *next_round_)) {
        next_round_ = now + kRoundEvery;
        all_ = {{}, end};
        overdue_.clear();  // orders that are still late are found again
    }
    look(store, recent_);
    look(store, all_);
}

void Deadline::look(SagaStore& store, Walk& walk) {
    if (walk.position >= walk.upto || overdue_.size() >= kRemembered) return;
    const ProcessingPage page = store.scan_processing(walk.position, walk.upto, kPageRows);
    overdue_.insert(page.processing.begin(), page.processing.end());
    walk.position = page.last.value_or(walk.upto);
}

std::vector<OrderId> Deadline::next(const std::function<bool(const OrderId&)>& may_act) {
    std::vector<OrderId> ids;
    auto at = overdue_.upper_bound(last_);
    for (std::size_t seen = 0; seen < overdue_.size() && ids.size() < kAtOnce; ++seen, ++at) {
        if (at == overdue_.end()) at = overdue_.begin();
        if (may_act(*at)) ids.push_back(*at);
    }
    if (!ids.empty()) last_ = ids.back();
    std::ranges::sort(ids);
    return ids;
}

bool Deadline::cancel(SagaStore& store, std::span<const OrderId> ids, Instant now,
                      BatchOutput& out) {
    Sagas sagas = store.load(ids);
    young_.clear();
    for (const OrderId& id : ids) {
        const Saga* saga = sagas.find(id);
        if (!saga) continue;
        // An order may have been placed later than its id shows, by the database's clock, unless
        // that clock was ahead.
        if (saga->placed_at + age_ > now && saga->placed_at <= now) {
            young_.insert(id);
            continue;
        }
        Decision decision = order::cancel(id, *saga, events::Reason::DEADLINE, now);
        if (decision.next) sagas.put(id, std::move(*decision.next));
        for (auto& event : decision.events) out.emit(std::move(event), "");
    }
    return store.update(sagas);
}

void Deadline::done(std::span<const OrderId> ids) {
    for (const OrderId& id : ids) {
        if (!young_.contains(id)) overdue_.erase(id);
    }
}

namespace {

// A group that has just started may be far behind; the watch shows when it has caught up.
class DeadlineStep {
public:
    DeadlineStep(const loops::Context& context, const DeadlineSettings& settings,
                 postgres::Connection& connection)
        : connection_(connection),
          work_(connection_, context.service, context.relay_feed),
          store_(make_saga_store(connection_)),
          deadline_(settings.age),
          caught_up_for_(settings.caught_up_for),
          watch_(context.kafka, context.service, settings.caught_up_for, context.registry) {}

    void step() {
        watch_.look();
        deadline_.look(*store_, system_now());
        if (watch_.paused()) return;
        const auto ids =
            deadline_.next([this](const OrderId& id) { return watch_.may_judge(id.to_string()); });
        // Then ledgers contain events for which orders wait: no order is late.
        if (ids.empty() || outbox::was_held_within(connection_, caught_up_for_)) return;
        std::vector<OrderId> unanswered;
        outbox::run_transaction(work_, [&](Instant now, BatchOutput& out) {
            unanswered = without_parked(ids);
            return deadline_.cancel(*store_, unanswered, now, out);
        });
        deadline_.done(unanswered);
    }

private:
    // If an order's answer is parked here, the order is not late: this service is.
    std::vector<OrderId> without_parked(std::vector<OrderId> ids) {
        if (!work_.some_blocked()) return ids;
        std::vector<std::string> texts;
        for (const OrderId& id : ids) texts.push_back(id.to_string());
        const std::vector<std::string_view> keys(texts.begin(), texts.end());
        const auto blocked = work_.blocked(keys);
        std::erase_if(ids, [&](const OrderId& id) {
            return std::ranges::find(blocked, id.to_string()) != blocked.end();
        });
        return ids;
    }

    postgres::Connection& connection_;
    outbox::PostgresUnitOfWork work_;
    const std::unique_ptr<SagaStore> store_;
    Deadline deadline_;
    const std::chrono::milliseconds caught_up_for_;
    kafka::GroupWatch watch_;
};

}  // namespace

loops::Ticker deadline_ticker(const loops::Context& context, const DeadlineSettings& settings) {
    auto make_step = [context, settings](postgres::Connection& connection) -> loops::Ticker::Step {
        auto step = std::make_shared<DeadlineStep>(context, settings, connection);
        return [step] {
            step->step();
            return std::nullopt;
        };
    };
    return {context, "deadline", kDeadlineTick, std::move(make_step)};
}

}  // namespace orderflow::order
