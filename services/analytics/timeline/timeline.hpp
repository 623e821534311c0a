#pragma once
// The rules of the timelines: the data that is kept of an order's events, and what follows from it
// for one order. Pure; used by the timeline handler, timeline_api, the traces and the simulator.
//
// One timeline per order with one place per kind of event, set once by the first event of that
// kind. Repeated events, from another offset or in another order across topics, lead to the same
// timeline. The counters of all orders are in figures.hpp.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

#include "core/ids.hpp"
#include "core/money.hpp"
#include "core/time.hpp"
#include "events/catalog.hpp"
#include "events/events.hpp"

namespace orderflow::analytics {

// The events of one order, causes before effects: this order decides where times are equal.
// Each participant's NothingToCompensate has its own place. The names are the columns' stems.
BOOST_DEFINE_ENUM_CLASS(Slot, order_placed, stock_reserved, stock_rejected, payment_captured,
                        payment_declined, shipment_scheduled, shipment_refused,
                        cancellation_started, stock_released, inventory_nothing, payment_refunded,
                        payment_nothing, shipment_voided, shipping_nothing, order_completed,
                        order_cancelled)
inline constexpr std::size_t kSlots =
    boost::mp11::mp_size<boost::describe::describe_enumerators<Slot>>::value;

// Which event of the catalog a slot holds.
struct SlotInfo {
    events::EventKind kind;
    events::Service producer;
    std::optional<events::EventKind> compensates;
};
const SlotInfo& info(Slot slot);

// The slot of the event; nullopt for StockAdjusted, which belongs to no order.
std::optional<Slot> slot_of(const events::Event& event);

// When an event was recorded, and where its record is in Kafka.
struct Mark {
    Instant time{};
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    bool operator==(const Mark&) const = default;
};

// What is stored of an order: a row of the table `timelines`.
struct Timeline {
    std::array<std::optional<Mark>, kSlots> marks;
    std::string customer_id;  // empty until an event sets it, like the next three
    std::optional<Money> total;
    std::optional<events::Reason> reason;
    std::string traceparent;  // of OrderPlaced, so the client's; empty: none

    const std::optional<Mark>& operator[](Slot slot) const {
        return marks[static_cast<std::size_t>(slot)];
    }
    bool operator==(const Timeline&) const = default;
};

struct KnownOrder {
    OrderId id;
    Timeline timeline;
};

// The timeline after the event; nullopt if the event changes nothing. `timeline` is nullptr for an
// order that was not seen before; `traceparent` is the record's, as read_traceparent() returns it.
std::optional<Timeline> fold(const Timeline* timeline, const events::Event& event, const Mark& mark,
                             std::string_view traceparent = {});

// The mark of the event that ended the order; nullptr: the order has not ended.
const Mark* end_of(const Timeline& timeline);

// Returns whether the order was placed and has not ended.
bool is_open(const Timeline& timeline);

BOOST_DEFINE_ENUM_CLASS(Status, PROCESSING, COMPLETED, CANCELLING, CANCELLED)
Status status_of(const Timeline& timeline);

// One event of a timeline. The names are the JSON names of the API.
struct TimelineEvent {
    std::string_view type;  // "OrderPlaced"
    std::string_view service;
    Instant time{};
    std::optional<double> latency_ms;  // since the event before, never below 0; none for the first
    std::string_view topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::optional<std::string_view> compensates;  // the type of the event that it undoes
    bool operator==(const TimelineEvent&) const = default;
};
BOOST_DESCRIBE_STRUCT(TimelineEvent, (),
                      (type, service, time, latency_ms, topic, partition, offset, compensates))

// The events in the order of their times. If the clocks put an effect before its cause, the saga's
// order decides.
std::vector<TimelineEvent> events_of(const Timeline& timeline);

// The participant for whose answer an order waits, and since when.
struct WaitingFor {
    std::string_view service;
    Instant since{};
    bool operator==(const WaitingFor&) const = default;
};
BOOST_DESCRIBE_STRUCT(WaitingFor, (), (service, since))

// Empty for an order that is final, or whose OrderPlaced has not come yet.
std::vector<WaitingFor> waiting_for(const Timeline& timeline);

// An open order, as lists show it. The names are the JSON names of the API.
struct OpenOrder {
    OrderId order_id;
    Status status = Status::PROCESSING;
    std::optional<events::Reason> reason;
    std::string customer_id;
    std::int64_t total = 0;
    Currency currency;
    Instant placed_at{};
    Instant since{};  // of the longest wait
    std::vector<WaitingFor> waiting_for;
};
BOOST_DESCRIBE_STRUCT(OpenOrder, (),
                      (order_id, status, reason, customer_id, total, currency, placed_at, since,
                       waiting_for))

// nullopt where waiting_for() is empty.
std::optional<OpenOrder> open_order(const OrderId& id, const Timeline& timeline);

// The second since 1970 in which the order's id was made: ids of one second stand together.
std::int64_t second_of(const OrderId& id);

}  // namespace orderflow::analytics
