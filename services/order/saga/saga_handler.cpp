#include "order/saga/saga_handler.hpp"

#include <algorithm>
#include <unordered_map>

#include "kafka/delivery.hpp"
#include "outbox/aggregates.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::order {

using kafka::Delivery;
using outbox::BatchOutput;

namespace {

using std::chrono::microseconds;

// When the steps of an order were taken, by the events of this batch.
struct StepTimes {
    std::optional<Instant> reserved, captured;
};
using StepsOfOrders = std::unordered_map<OrderId, StepTimes>;

void note(const Delivery& delivery, StepsOfOrders& steps) {
    if (std::holds_alternative<events::StockReserved>(delivery.event)) {
        steps[delivery.order()].reserved = delivery.time;
    } else if (std::holds_alternative<events::PaymentCaptured>(delivery.event)) {
        steps[delivery.order()].captured = delivery.time;
    }
}

// How long a completed order was in progress, without its payment; nullopt if that is unknown,
// because a step was only shown by the next one. The times of the row are those at which this
// service stored the steps. Several steps in one batch have one time there, so the times of their
// events count.
std::optional<microseconds> time_in_services(const Saga& saga, const StepTimes& steps) {
    constexpr microseconds kAtOnce{1};
    if (!saga.reserved_at || !saga.captured_at) return std::nullopt;
    const bool knows_reserved = *saga.captured_at - *saga.reserved_at > kAtOnce;
    const bool knows_captured = *saga.finished_at - *saga.captured_at > kAtOnce;
    if (!(steps.reserved || knows_reserved) || !(steps.captured || knows_captured)) {
        return std::nullopt;
    }
    const Instant reserved = steps.reserved.value_or(*saga.reserved_at);
    const Instant captured = steps.captured.value_or(*saga.captured_at);
    return (reserved - saga.placed_at) + (*saga.finished_at - captured);
}

// An accepted order has a row; if it is missing, it was lost with a part of the database.
Ledgers ledgers_of_lost_rows(SagaStore& store, const Sagas& sagas,
                             std::span<const Delivery> batch) {
    std::vector<OrderId> lost;
    for (const Delivery& delivery : batch) {
        const OrderId& id = delivery.order();
        if (!sagas.find(id) && order_block(delivery.event)) lost.push_back(id);
    }
    return lost.empty() ? Ledgers{} : store.ledgers(lost);
}

std::span<const LedgerEntry> ledger_of(const Ledgers& ledgers, const OrderId& id) {
    const auto found = ledgers.find(id);
    return found == ledgers.end() ? std::span<const LedgerEntry>{} : found->second;
}

}  // namespace

bool SagaHandler::handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) {
    const auto ids = outbox::distinct_ids(batch, [](const Delivery& d) { return d.order_id(); });
    Sagas sagas = store_->load(ids);
    const Ledgers ledgers = ledgers_of_lost_rows(*store_, sagas, batch);
    std::vector<NewOrder> recreated;
    quickest_.reset();
    StepsOfOrders steps;
    for (const Delivery& delivery : batch) {
        const OrderId& id = delivery.order();
        if (admission_) note(delivery, steps);
        const Saga* saga = sagas.find(id);
        Decision decision = saga ? decide(saga, delivery.event, now)
                                 : recreate(delivery.event, ledger_of(ledgers, id), now);
        if (decision.orphan) {
            out.orphan(delivery);
            continue;
        }
        if (decision.recreate) recreated.push_back({id, {}, decision.recreate});
        if (decision.next) {
            if (admission_ && decision.next->state == State::COMPLETED) {
                const auto took = time_in_services(*decision.next, steps[id]);
                if (took) quickest_ = std::min(quickest_.value_or(*took), *took);
            }
            sagas.put(id, std::move(*decision.next));
        }
        for (auto& event : decision.events) out.emit(std::move(event), delivery.traceparent);
    }
    for (NewOrder& order : recreated) order.saga = *sagas.find(order.id);
    std::ranges::sort(recreated, {}, &NewOrder::id);
    return store_->insert(recreated) && store_->update(sagas);
}

void SagaHandler::committed() {
    if (admission_ && quickest_) admission_->completed(*quickest_, Admission::Clock::now());
}

}  // namespace orderflow::order
