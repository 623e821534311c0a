#pragma once
// Sorts the events of a saga so that no effect comes before its cause. Times alone are not enough:
// the clocks of the services' databases may disagree, or may be set while a saga runs. Used by
// programs that show the events: analytics' timeline and orderctl. Values only, any thread.
#include <algorithm>
#include <ranges>
#include <stdexcept>

#include "events/catalog.hpp"

namespace orderflow::events {

struct SagaEvent {
    EventKind kind;
    Service producer;
};

// The rank of an event: 0 to 3 on the way forward, 4 for the trigger that leads back, 5 for an
// answer to the trigger, 6 for the end. Throws std::logic_error for StockAdjusted, which is not
// part of a saga.
inline int saga_rank(EventKind kind) {
    switch (kind) {
        case EventKind::OrderPlaced: return 0;
        case EventKind::StockReserved:
        case EventKind::StockRejected: return 1;
        case EventKind::PaymentCaptured:
        case EventKind::PaymentDeclined: return 2;
        case EventKind::ShipmentScheduled:
        case EventKind::ShipmentRefused: return 3;
        case EventKind::CancellationStarted: return 4;
        case EventKind::StockReleased:
        case EventKind::PaymentRefunded:
        case EventKind::ShipmentVoided:
        case EventKind::NothingToCompensate: return 5;
        case EventKind::OrderCompleted:
        case EventKind::OrderCancelled: return 6;
        case EventKind::StockAdjusted: break;
    }
    throw std::logic_error("no event of a saga");
}

// Whether `cause` always happens before `effect`. The trigger may overtake the events of the way
// forward, and one answer may overtake another one. But a participant answers only after its own
// step.
inline bool comes_before(const SagaEvent& cause, const SagaEvent& effect) {
    const int from = saga_rank(cause.kind);
    const int to = saga_rank(effect.kind);
    if (from >= to) return false;
    const bool is_step = from > 0 && from < 4;
    if (is_step && to == 4) return false;
    return !is_step || to != 5 || cause.producer == effect.producer;
}

// Sorts by time. If that puts an effect before its cause, it sorts by rank instead, and only events
// of the same rank by time. `saga_event_of(event)` returns a SagaEvent, `time_of(event)` the time
// to compare.
template <class T, class SagaEventOf, class TimeOf>
void sort_as_caused(std::vector<T>& events, SagaEventOf saga_event_of, TimeOf time_of) {
    std::ranges::stable_sort(events, {}, time_of);
    for (std::size_t later = 1; later < events.size(); ++later) {
        const SagaEvent cause = saga_event_of(events[later]);
        const bool contradicted = std::ranges::any_of(
            events | std::views::take(later),
            [&](const T& earlier) { return comes_before(cause, saga_event_of(earlier)); });
        if (!contradicted) continue;
        std::ranges::stable_sort(
            events, {}, [&](const T& event) { return saga_rank(saga_event_of(event).kind); });
        return;
    }
}

}  // namespace orderflow::events
