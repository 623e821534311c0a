#pragma once
// The rules of the counters over all orders: what each event adds to them, and the dashboard's
// figures that follow from them. Pure; used by the timeline handler, figures_store, timeline_api
// and the simulator.
//
// Counters move only if a timeline does (`count`), so they are as exact as the timelines.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

#include "analytics/timeline/timeline.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"
#include "events/events.hpp"

namespace orderflow::analytics {

// The four steps of the forward way whose duration is measured.
BOOST_DEFINE_ENUM_CLASS(Step, reserve, charge, ship, complete)
inline constexpr std::size_t kSteps =
    boost::mp11::mp_size<boost::describe::describe_enumerators<Step>>::value;

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
