#include "analytics/timeline/figures.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string_view>

#include <boost/mp11.hpp>

#include "core/enums.hpp"
#include "core/money.hpp"

namespace orderflow::analytics {
namespace {

using events::Reason;
using std::chrono::microseconds;

// Longer than any topic's retention. Keeps sums of durations within 64 bits, whatever a clock
// shows.
constexpr microseconds kLongest = std::chrono::days{10};

struct StepEnds {
    Slot from;
    Slot to;
};
// In the order of Step.
constexpr auto kStepEnds = std::to_array<StepEnds>({
    {Slot::order_placed, Slot::stock_reserved},
    {Slot::stock_reserved, Slot::payment_captured},
    {Slot::payment_captured, Slot::shipment_scheduled},
    {Slot::shipment_scheduled, Slot::order_completed},
});
static_assert(kStepEnds.size() == kSteps);

bool has_response(const Timeline& timeline) {
    return timeline[Slot::order_placed] && end_of(timeline);
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
