#include "analytics/timeline/timeline.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include <boost/mp11.hpp>

#include "core/enums.hpp"
#include "events/saga_order.hpp"

namespace orderflow::analytics {
namespace {

using events::EventKind;
using events::Reason;
using events::Service;
using std::chrono::microseconds;

// Longer than any topic's retention. Keeps sums of durations within 64 bits, whatever a clock
// shows.
constexpr microseconds kLongest = std::chrono::days{10};

constexpr std::array<SlotInfo, kSlots> kSlotInfo{{
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
}};

struct StepEnds {
    Slot from;
    Slot to;
};
// In the order of Step.
constexpr std::array<StepEnds, kSteps> kStepEnds{{
    {Slot::order_placed, Slot::stock_reserved},
    {Slot::stock_reserved, Slot::payment_captured},
    {Slot::payment_captured, Slot::shipment_scheduled},
    {Slot::shipment_scheduled, Slot::order_completed},
}};

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

bool is_open(const Timeline& timeline) { return timeline[Slot::order_placed] && !end_of(timeline); }
bool has_response(const Timeline& timeline) {
    return timeline[Slot::order_placed] && end_of(timeline);
}

const Mark* first_of(const Timeline& timeline, Slot one, Slot other) {
    if (timeline[one]) return &*timeline[one];
    return timeline[other] ? &*timeline[other] : nullptr;
}

Instant minute_of(Instant time) { return std::chrono::floor<std::chrono::minutes>(time); }

// Clocks of two databases may disagree by more than a step takes.
microseconds duration(Instant from, Instant to) {
    return std::clamp(to - from, microseconds{0}, kLongest);
}

void count_placed(const Timeline& timeline, Tally& tally) {
    const Instant time = timeline[Slot::order_placed]->time;
    tally.add("placed", 1);
    ++tally.minutes[minute_of(time)].placed;
    const auto [entry, is_new] =
        tally.customers.try_emplace(timeline.customer_id, Activity{time, minute_of(time)});
    Activity& activity = entry->second;
    activity.first = std::min(activity.first, time);
    activity.last_minute = std::max(activity.last_minute, minute_of(time));
}

void count_completed(const Timeline& timeline, Tally& tally) {
    const Money total = timeline.total.value();
    Minute& minute = tally.minutes[minute_of(timeline[Slot::order_completed]->time)];
    tally.add("completed", 1);
    tally.add("revenue." + std::string(total.currency.text()), total.amount);
    ++minute.completed;
    if (total.currency == Currency{}) minute.revenue.add(total.amount);
}

void count_cancelled(const Timeline& timeline, Tally& tally) {
    tally.add("cancelled." + std::string(name_of(timeline.reason.value())), 1);
    ++tally.minutes[minute_of(timeline[Slot::order_cancelled]->time)].cancelled;
}

void count_steps(const Timeline& before, const Timeline& after, Tally& tally) {
    for (std::size_t i = 0; i < kSteps; ++i) {
        const auto [from, to] = kStepEnds[i];
        if (!after[from] || !after[to] || (before[from] && before[to])) continue;
        Histogram& histogram = tally.minutes[minute_of(after[to]->time)].steps[i];
        const std::size_t bucket = latency_bucket(duration(after[from]->time, after[to]->time));
        if (histogram.size() <= bucket) histogram.resize(bucket + 1);
        ++histogram[bucket];
    }
}

// Where a bucket of a histogram begins, and how wide it is, µs.
struct Bounds {
    std::int64_t begin;
    std::int64_t width;
};
Bounds bounds_of(std::size_t bucket) {
    const auto i = static_cast<std::int64_t>(bucket);
    if (i < 8) return {i * 8, 8};
    const int shift = static_cast<int>(i / 8) + 2;
    return {(8 + i % 8) << shift, std::int64_t{1} << shift};
}

// Milliseconds with three digits: no more is known.
double to_ms(double us) { return std::round(us) / 1000; }

std::int64_t to_count(std::string_view text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
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

void Sum::add(std::int64_t value) {
    high += value / kLimb;
    low += value % kLimb;
    high += low / kLimb;
    low %= kLimb;
}

void Tally::add(const std::string& name, std::int64_t value) {
    const auto entry = totals.try_emplace(name).first;
    entry->second.add(value);
    if (entry->second == Sum{}) totals.erase(entry);
}

std::int64_t second_of(const OrderId& id) {
    std::int64_t milliseconds = 0;
    for (std::size_t i = 0; i < 6; ++i) milliseconds = milliseconds << 8 | id.bytes[i];
    return milliseconds / 1000;
}

void Tally::add_open(const OrderId& id, std::int32_t value) {
    const auto entry = open_seconds.try_emplace(second_of(id)).first;
    entry->second += value;
    if (entry->second == 0) open_seconds.erase(entry);
}

void count(const OrderId& id, const Timeline& before, const Timeline& after, Tally& tally) {
    const auto became = [&](Slot slot) { return after[slot] && !before[slot]; };
    if (became(Slot::order_placed)) count_placed(after, tally);
    if (became(Slot::order_completed)) count_completed(after, tally);
    if (became(Slot::order_cancelled)) count_cancelled(after, tally);
    if (is_open(after) != is_open(before)) {
        tally.add("open", is_open(after) ? 1 : -1);
        tally.add_open(id, is_open(after) ? 1 : -1);
    }
    if (has_response(after) && !has_response(before)) {
        const Instant end = end_of(after)->time;
        Minute& minute = tally.minutes[minute_of(end)];
        ++minute.responses;
        minute.response_us += duration(after[Slot::order_placed]->time, end).count();
    }
    count_steps(before, after, tally);
}

std::size_t latency_bucket(microseconds latency) {
    const auto us =
        static_cast<std::uint64_t>(std::clamp(latency, microseconds{0}, kLongest).count());
    if (us < 64) return us / 8;
    const auto power = static_cast<std::size_t>(std::bit_width(us)) - 1;  // 2^power <= us
    return (power - 5) * 8 + ((us >> (power - 3)) & 7);
}

double percentile_ms(std::span<const std::int64_t> histogram, double q) {
    const auto total = std::accumulate(histogram.begin(), histogram.end(), std::int64_t{0});
    const double rank = q * static_cast<double>(total);
    std::int64_t below = 0;
    for (std::size_t i = 0; i < histogram.size(); ++i) {
        if (histogram[i] == 0) continue;
        if (static_cast<double>(below + histogram[i]) >= rank) {
            const auto [begin, width] = bounds_of(i);
            const double share =
                (rank - static_cast<double>(below)) / static_cast<double>(histogram[i]);
            return to_ms(static_cast<double>(begin) + share * static_cast<double>(width));
        }
        below += histogram[i];
    }
    return 0;
}

bool is_system_reason(Reason reason) {
    switch (reason) {
        case Reason::OUT_OF_STOCK:
        case Reason::UNKNOWN_PRODUCT:
        case Reason::PRICE_MISMATCH:
        case Reason::CARD_DECLINED:
        case Reason::CARD_TOKEN_UNKNOWN:
        case Reason::CARRIER_REFUSED:
        case Reason::STORAGE_FULL:
        case Reason::CUSTOMER: return false;
        case Reason::DEADLINE: return true;
    }
    throw std::logic_error("no such reason");
}

Dashboard summarise(const Figures& figures) {
    const auto total = [&](std::string_view name) {
        const auto found = figures.totals.find(name);
        return found == figures.totals.end() ? 0 : to_count(found->second);
    };
    Dashboard board;
    board.placed = total("placed");
    board.completed = total("completed");
    board.open = total("open");
    std::int64_t failed = 0;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Reason>>([&](auto reason) {
        const auto n = total(std::string("cancelled.") + reason.name);
        board.cancelled_by_reason[reason.value] = n;
        board.cancelled += n;
        if (is_system_reason(reason.value)) failed += n;
    });
    constexpr std::string_view kRevenue = "revenue.";
    for (const auto& [name, amount] : figures.totals) {
        if (!name.starts_with(kRevenue)) continue;
        const std::string currency = name.substr(kRevenue.size());
        if (currency == Currency{}.text()) board.revenue = amount;
        board.revenue_by_currency[currency] = amount;
    }
    board.active_customers = figures.active_customers;
    board.new_customers = figures.new_customers;
    if (figures.responses > 0) {
        board.average_response_ms = to_ms(static_cast<double>(figures.response_us) /
                                          static_cast<double>(figures.responses));
    }
    if (const std::int64_t ended = board.completed + board.cancelled; ended > 0) {
        board.error_rate = static_cast<double>(failed) / static_cast<double>(ended);
    }
    for (std::size_t i = 0; i < kSteps; ++i) {
        board.steps[i] = {percentile_ms(figures.steps[i], 0.5),
                          percentile_ms(figures.steps[i], 0.99)};
    }
    return board;
}

}  // namespace orderflow::analytics
