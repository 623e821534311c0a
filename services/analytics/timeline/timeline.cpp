#include "analytics/timeline/timeline.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "events/saga_order.hpp"

namespace orderflow::analytics {
namespace {

using events::EventKind;
using events::Service;
using std::chrono::microseconds;

// In the order of Slot.
constexpr auto kSlotInfo = std::to_array<SlotInfo>({
    {EventKind::OrderPlaced, Service::order, {}},
    {EventKind::StockReserved, Service::inventory, {}},
    {EventKind::StockRejected, Service::inventory, {}},
    {EventKind::PaymentCaptured, Service::payment, {}},
    {EventKind::PaymentDeclined, Service::payment, {}},
    {EventKind::ShipmentScheduled, Service::shipping, {}},
    {EventKind::ShipmentRefused, Service::shipping, {}},
    {EventKind::CancellationStarted, Service::order, {}},
    {EventKind::StockReleased, Service::inventory, EventKind::StockReserved},
    {EventKind::NothingToCompensate, Service::inventory, {}},
    {EventKind::PaymentRefunded, Service::payment, EventKind::PaymentCaptured},
    {EventKind::NothingToCompensate, Service::payment, {}},
    {EventKind::ShipmentVoided, Service::shipping, EventKind::ShipmentScheduled},
    {EventKind::NothingToCompensate, Service::shipping, {}},
    {EventKind::OrderCompleted, Service::order, {}},
    {EventKind::OrderCancelled, Service::order, {}},
});
static_assert(kSlotInfo.size() == kSlots);

// The possible answers of each participant to CancellationStarted.
struct Answers {
    Slot undone;
    Slot nothing;
};
constexpr std::array<Answers, 3> kAnswers{{{Slot::stock_released, Slot::inventory_nothing},
                                           {Slot::payment_refunded, Slot::payment_nothing},
                                           {Slot::shipment_voided, Slot::shipping_nothing}}};

// The participant that comes next on the way forward, by the latest event seen, since events come
// by four topics.
struct NextBy {
    Slot seen;
    Service next;
};
constexpr std::array<NextBy, 7> kNext{{{Slot::shipment_scheduled, Service::order},
                                       {Slot::shipment_refused, Service::order},
                                       {Slot::payment_declined, Service::order},
                                       {Slot::stock_rejected, Service::order},
                                       {Slot::payment_captured, Service::shipping},
                                       {Slot::stock_reserved, Service::payment},
                                       {Slot::order_placed, Service::inventory}}};

Slot slot_of_nothing(events::Participant participant) {
    switch (participant) {
        case events::Participant::inventory: return Slot::inventory_nothing;
        case events::Participant::payment: return Slot::payment_nothing;
        case events::Participant::shipping: return Slot::shipping_nothing;
    }
    throw std::logic_error("no such participant");
}

std::string_view type_without_version(EventKind kind) {
    const std::string_view type = events::type_name(kind);
    return type.substr(0, type.rfind(".v"));
}

// Sets the customer, the total or the reason from the first event that has it; all events of an
// order agree.
void learn(Timeline& timeline, const events::Event& event) {
    const auto customer = [&](const std::string& id) {
        if (timeline.customer_id.empty()) timeline.customer_id = id;
    };
    const auto total = [&](std::int64_t amount, const Currency& currency) {
        if (!timeline.total) timeline.total = Money{amount, currency};
    };
    std::visit(
        [&](const auto& data) {
            if constexpr (requires { data.order; }) {
                customer(data.order.customer_id);
                total(data.order.total, data.order.currency);
            }
            if constexpr (requires { data.customer_id; }) customer(data.customer_id);
            if constexpr (requires { data.total; }) total(data.total, data.currency);
            // Does not use the participants' narrower reasons: the order service decides which one
            // is valid.
            if constexpr (requires { timeline.reason = data.reason; }) {
                if (!timeline.reason) timeline.reason = data.reason;
            }
        },
        event);
}

const Mark* first_of(const Timeline& timeline, Slot one, Slot other) {
    if (timeline[one]) return &*timeline[one];
    return timeline[other] ? &*timeline[other] : nullptr;
}

}  // namespace

const SlotInfo& info(Slot slot) { return kSlotInfo[static_cast<std::size_t>(slot)]; }

std::optional<Slot> slot_of(const events::Event& event) {
    switch (events::kind_of(event)) {
        case EventKind::OrderPlaced: return Slot::order_placed;
        case EventKind::CancellationStarted: return Slot::cancellation_started;
        case EventKind::OrderCompleted: return Slot::order_completed;
        case EventKind::OrderCancelled: return Slot::order_cancelled;
        case EventKind::StockReserved: return Slot::stock_reserved;
        case EventKind::StockRejected: return Slot::stock_rejected;
        case EventKind::StockReleased: return Slot::stock_released;
        case EventKind::StockAdjusted: return std::nullopt;
        case EventKind::PaymentCaptured: return Slot::payment_captured;
        case EventKind::PaymentDeclined: return Slot::payment_declined;
        case EventKind::PaymentRefunded: return Slot::payment_refunded;
        case EventKind::NothingToCompensate:
            return slot_of_nothing(std::get<events::NothingToCompensate>(event).participant);
        case EventKind::ShipmentScheduled: return Slot::shipment_scheduled;
        case EventKind::ShipmentRefused: return Slot::shipment_refused;
        case EventKind::ShipmentVoided: return Slot::shipment_voided;
    }
    throw std::logic_error("no such kind of event");
}

const Mark* end_of(const Timeline& timeline) {
    if (const auto& mark = timeline[Slot::order_completed]) return &*mark;
    if (const auto& mark = timeline[Slot::order_cancelled]) return &*mark;
    return nullptr;
}

bool is_open(const Timeline& timeline) { return timeline[Slot::order_placed] && !end_of(timeline); }

std::optional<Timeline> fold(const Timeline* timeline, const events::Event& event, const Mark& mark,
                             std::string_view traceparent) {
    const auto slot = slot_of(event);
    if (!slot || (timeline && (*timeline)[*slot])) return std::nullopt;
    Timeline next = timeline ? *timeline : Timeline{};
    next.marks[static_cast<std::size_t>(*slot)] = mark;
    learn(next, event);
    // Not of the event that comes first: this differs from replay to replay.
    if (*slot == Slot::order_placed) next.traceparent = traceparent;
    return next;
}

Status status_of(const Timeline& timeline) {
    if (timeline[Slot::order_completed]) return Status::COMPLETED;
    if (timeline[Slot::order_cancelled]) return Status::CANCELLED;
    if (timeline[Slot::cancellation_started]) return Status::CANCELLING;
    return Status::PROCESSING;
}

std::vector<WaitingFor> waiting_for(const Timeline& timeline) {
    if (!is_open(timeline)) return {};
    const auto order = events::names_of(Service::order).name;
    if (const auto& started = timeline[Slot::cancellation_started]) {
        std::vector<WaitingFor> list;
        Instant last = started->time;
        for (const auto& [undone, nothing] : kAnswers) {
            if (const Mark* answer = first_of(timeline, undone, nothing)) {
                last = std::max(last, answer->time);
            } else {
                list.push_back({events::names_of(info(undone).producer).name, started->time});
            }
        }
        if (list.empty()) list.push_back({order, last});
        return list;
    }
    for (const auto& [seen, next] : kNext) {
        if (timeline[seen]) return {{events::names_of(next).name, timeline[seen]->time}};
    }
    throw std::logic_error("an open order without any event");
}

std::optional<OpenOrder> open_order(const OrderId& id, const Timeline& timeline) {
    auto waiting = waiting_for(timeline);
    if (waiting.empty()) return std::nullopt;
    OpenOrder order;
    order.order_id = id;
    order.status = status_of(timeline);
    order.reason = timeline.reason;
    order.customer_id = timeline.customer_id;
    order.total = timeline.total.value().amount;
    order.currency = timeline.total->currency;
    order.placed_at = timeline[Slot::order_placed]->time;
    order.since = std::ranges::min(waiting, {}, &WaitingFor::since).since;
    order.waiting_for = std::move(waiting);
    return order;
}

std::vector<TimelineEvent> events_of(const Timeline& timeline) {
    struct Entry {
        events::SagaEvent what;
        TimelineEvent shown;
    };
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < kSlots; ++i) {
        const auto& mark = timeline.marks[i];
        if (!mark) continue;
        const SlotInfo& slot = kSlotInfo[i];
        TimelineEvent event;
        event.type = type_without_version(slot.kind);
        event.service = events::names_of(slot.producer).name;
        event.time = mark->time;
        event.topic = events::topic_of(slot.producer);
        event.partition = mark->partition;
        event.offset = mark->offset;
        if (slot.compensates) event.compensates = type_without_version(*slot.compensates);
        entries.push_back({{slot.kind, slot.producer}, event});
    }
    events::sort_as_caused(
        entries, [](const Entry& entry) { return entry.what; },
        [](const Entry& entry) { return entry.shown.time; });
    std::vector<TimelineEvent> list;
    for (Entry& entry : entries) {
        if (!list.empty()) {
            const auto since = std::max(entry.shown.time - list.back().time, microseconds{0});
            entry.shown.latency_ms = static_cast<double>(since.count()) / 1000;
        }
        list.push_back(entry.shown);
    }
    return list;
}

std::int64_t second_of(const OrderId& id) {
    std::int64_t milliseconds = 0;
    for (std::size_t i = 0; i < 6; ++i) milliseconds = milliseconds << 8 | id.bytes[i];
    return milliseconds / 1000;
}

}  // namespace orderflow::analytics
