#pragma once
// Two orders' events, the forward way and a cancelled one, folded into a timeline and the counters
// in any order of arrival. Used by analytics_test.cpp and figures_test.cpp. One thread.
#include <chrono>
#include <cstdint>
#include <numeric>
#include <vector>

#include "analytics/timeline/figures.hpp"
#include "analytics/timeline/timeline.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"
#include "events/events.hpp"

namespace orderflow::analytics {

using namespace std::chrono_literals;

inline const OrderId kId = OrderId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10").value();
inline const ShipmentId kShipment =
    ShipmentId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c11").value();
inline const Instant kStart = parse_rfc3339("2026-01-02T03:04:05.000000Z").value();

inline events::Order an_order(std::int64_t total = 1'500, Currency currency = {}) {
    events::Order order;
    order.customer_id = "CUST-001";
    order.currency = currency;
    order.total = total;
    order.items = {{"ITEM-001", "Laptop", total, 1}};
    order.payment.token = "tok_ok";
    order.placed_at = kStart;
    return order;
}

// An event and when it was recorded.
struct Timed {
    events::Event event;
    std::chrono::microseconds after;
};

inline std::vector<Timed> forward_way(std::int64_t total = 1'500, Currency currency = {}) {
    const auto order = an_order(total, currency);
    return {{events::OrderPlaced{kId, order}, 0us},
            {events::StockReserved{kId, order}, 3'000us},
            {events::PaymentCaptured{kId, "ch-1", total, currency, order}, 28'000us},
            {events::ShipmentScheduled{kId, kShipment, "TRK-1", total, currency, false}, 30'000us},
            {events::OrderCompleted{kId, "CUST-001", kShipment, total, currency}, 40'500us}};
}

inline std::vector<Timed> refused_way(events::Reason reason) {
    return {{events::OrderPlaced{kId, an_order()}, 0us},
            {events::StockReserved{kId, an_order()}, 2'000us},
            {events::CancellationStarted{kId, reason}, 10'000us},
            {events::StockReleased{kId}, 12'000us},
            {events::NothingToCompensate{kId, events::Participant::payment, {}}, 13'000us},
            {events::NothingToCompensate{kId, events::Participant::shipping, {}}, 14'000us},
            {events::OrderCancelled{kId, "CUST-001", reason, 1'500, Currency{}, {}}, 20'000us}};
}

struct Folded {
    Timeline timeline;
    Tally tally;
    bool operator==(const Folded&) const = default;
};

// The offset is the event's place in the way, so that permutations carry the same marks.
inline void take(Folded& folded, const Timed& timed, std::int64_t offset) {
    const auto next = fold(&folded.timeline, timed.event, {kStart + timed.after, 4, offset});
    if (!next) return;
    count(kId, folded.timeline, *next, folded.tally);
    folded.timeline = *next;
}

inline Folded fold_all(const std::vector<Timed>& way, const std::vector<std::size_t>& order) {
    Folded folded;
    for (const std::size_t i : order) take(folded, way[i], static_cast<std::int64_t>(i));
    return folded;
}

inline Folded fold_all(const std::vector<Timed>& way) {
    std::vector<std::size_t> order(way.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    return fold_all(way, order);
}

}  // namespace orderflow::analytics
