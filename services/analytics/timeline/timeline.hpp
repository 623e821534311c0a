#pragma once
// The read model's rules: the data that is kept of an order's events, and the contribution of each
// event to the counters. Pure; used by the timeline handler, timeline_api and the simulator.
//
// One timeline per order with one place per kind of event, set once by the first event of that
// kind. Repeated events, from another offset or in another order across topics, lead to the same
// timeline. Counters move only if a timeline does (`count`), so they are as exact as the timelines.
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

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
inline constexpr std::size_t kSlots = 16;

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

// The four steps of the forward way whose duration is measured.
BOOST_DEFINE_ENUM_CLASS(Step, reserve, charge, ship, complete)
inline constexpr std::size_t kSteps = 4;

// An exact sum: 922 orders of the largest total would overflow 64 bits, and a batch that cannot be
// saved would stop the consumer for good. The value is high * 10^18 + low.
struct Sum {
    static constexpr std::int64_t kLimb = 1'000'000'000'000'000'000;
    std::int64_t high = 0;
    std::int64_t low = 0;

    void add(std::int64_t value);
    bool operator==(const Sum&) const = default;
};

// Durations counted in buckets whose width is an eighth of the power of two below them, so that a
// percentile is right to about 6 %. The vector has as many buckets as its longest duration needs.
using Histogram = std::vector<std::int32_t>;

std::size_t latency_bucket(std::chrono::microseconds latency);
// The duration below which a share `q` of the counted ones lies, ms; 0 when none was counted.
double percentile_ms(std::span<const std::int64_t> histogram, double q);

// The counts of one minute (of event time).
struct Minute {
    std::int32_t placed = 0;
    std::int32_t completed = 0;
    std::int32_t cancelled = 0;
    Sum revenue;                   // of completed orders in the default currency
    std::int32_t responses = 0;    // orders that ended
    std::int64_t response_us = 0;  // sum over them, accept → end
    std::array<Histogram, kSteps> steps;
    bool operator==(const Minute&) const = default;
};

// When a customer ordered.
struct Activity {
    Instant first{};
    Instant last_minute{};  // begin of the minute: one row version per customer and minute, at most
    bool operator==(const Activity&) const = default;
};

// The second since 1970 in which the order's id was made: ids of one second stand together.
std::int64_t second_of(const OrderId& id);

// The contribution of a batch to the counters. Sorted maps: rows are locked in key order.
struct Tally {
    // "placed", "open", "completed", "cancelled.<reason>", "revenue.<currency>"; never a zero.
    std::map<std::string, Sum> totals;
    std::map<std::int64_t, std::int32_t> open_seconds;  // open orders by second_of(); never a zero
    std::map<Instant, Minute> minutes;
    std::map<std::string, Activity> customers;  // never without "placed" in totals

    void add(const std::string& name, std::int64_t value);
    void add_open(const OrderId& id, std::int32_t value);
    bool operator==(const Tally&) const = default;
};

// Adds the difference between `before` and `after`. Counting a path step by step gives the same
// result as counting it at once.
void count(const OrderId& id, const Timeline& before, const Timeline& after, Tally& tally);

// One minute of the throughput, as the API shows it.
struct MinuteFigures {
    Instant minute{};  // its begin
    std::int64_t placed = 0;
    std::int64_t completed = 0;
    std::int64_t cancelled = 0;
    std::string revenue = "0";  // of completed orders in the default currency, minor units
    std::int64_t responses = 0;
    std::int64_t response_us = 0;
};

// The counters as stored, for the dashboard.
struct Figures {
    std::map<std::string, std::string, std::less<>> totals;  // decimal integers of any size
    // Of the running minute and the five before it.
    std::int64_t responses = 0;
    std::int64_t response_us = 0;
    std::array<std::vector<std::int64_t>, kSteps> steps;
    // In 24 hours.
    std::int64_t active_customers = 0;
    std::int64_t new_customers = 0;
};

struct Percentiles {
    double p50 = 0;
    double p99 = 0;
};

struct Dashboard {
    std::int64_t placed = 0;
    std::int64_t completed = 0;
    std::int64_t cancelled = 0;
    std::int64_t open = 0;
    std::string revenue = "0";  // of completed orders in the default currency, minor units
    std::map<std::string, std::string> revenue_by_currency;
    std::map<events::Reason, std::int64_t> cancelled_by_reason;  // all nine
    std::int64_t active_customers = 0;
    std::int64_t new_customers = 0;
    double average_response_ms = 0;
    double error_rate = 0;  // of all orders that ended
    std::array<Percentiles, kSteps> steps;
};
Dashboard summarise(const Figures& figures);

// Whether a cancellation for this reason counts as a failure of the system. True only for DEADLINE:
// no answer came in time. A refusal by a participant (CARD_DECLINED, OUT_OF_STOCK, …) and the
// customer's own cancellation are valid ends.
bool is_system_reason(events::Reason reason);

}  // namespace orderflow::analytics
