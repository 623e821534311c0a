#include "analytics/timeline/figures_store.hpp"

#include <algorithm>
#include <functional>

namespace orderflow::analytics {

using postgres::Column;
using postgres::Connection;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

namespace {

// Customers without a change are left out before the upsert would lock their rows. Their rows
// cannot change in between: every batch that comes here holds the lock on the counter "placed".
const Statement kAddCustomers{"customers_add", R"(
    WITH changed AS MATERIALIZED (
        SELECT n.customer_id, k.first_order_at AS old_first, k.last_order_minute AS old_last,
               least(k.first_order_at, n.first_at) AS new_first,
               greatest(k.last_order_minute, n.last_minute) AS new_last
        FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[])
             AS n(customer_id, first_at, last_minute)
        LEFT JOIN customers k ON k.customer_id = n.customer_id
        WHERE k.customer_id IS NULL OR n.first_at < k.first_order_at
              OR n.last_minute > k.last_order_minute),
    saved AS (
        INSERT INTO customers (customer_id, first_order_at, last_order_minute)
        SELECT customer_id, new_first, new_last FROM changed ORDER BY customer_id COLLATE "C"
        ON CONFLICT (customer_id) DO UPDATE
        SET first_order_at = EXCLUDED.first_order_at,
            last_order_minute = EXCLUDED.last_order_minute)
    INSERT INTO customer_minutes AS m (minute, first_orders, last_orders)
    SELECT v.minute, sum(v.first), sum(v.last)
    FROM changed, LATERAL (VALUES (date_trunc('minute', new_first), 1, 0), (new_last, 0, 1),
                                  (date_trunc('minute', old_first), -1, 0), (old_last, 0, -1))
                  AS v(minute, first, last)
    WHERE v.minute IS NOT NULL
    GROUP BY v.minute HAVING sum(v.first) <> 0 OR sum(v.last) <> 0
    ORDER BY v.minute
    ON CONFLICT (minute) DO UPDATE
    SET first_orders = m.first_orders + EXCLUDED.first_orders,
        last_orders = m.last_orders + EXCLUDED.last_orders)"};

const Statement kAddOpen{"open_add", R"(
    INSERT INTO open_seconds AS o (second, open)
    SELECT n.second, n.open FROM unnest($1::bigint[], $2::integer[]) AS n(second, open)
    ORDER BY n.second
    ON CONFLICT (second) DO UPDATE SET open = o.open + EXCLUDED.open)"};

// $9 holds the histograms one after the other, four per minute, each $10 buckets long.
const Statement kAddMinutes{"minutes_add", R"(
    INSERT INTO minutes AS m (minute, placed, completed, cancelled, revenue, responses,
                              response_us, reserve, charge, ship, complete)
    SELECT n.minute, n.placed, n.completed, n.cancelled,
           n.revenue_high * 1000000000000000000::numeric + n.revenue_low, n.responses,
           n.response_us, ($9::integer[])[b.first + 1 : b.first + $10::integer],
           ($9::integer[])[b.first + $10::integer + 1 : b.first + 2 * $10::integer],
           ($9::integer[])[b.first + 2 * $10::integer + 1 : b.first + 3 * $10::integer],
           ($9::integer[])[b.first + 3 * $10::integer + 1 : b.first + 4 * $10::integer]
    FROM unnest($1::timestamptz[], $2::integer[], $3::integer[], $4::integer[], $5::bigint[],
                $6::bigint[], $7::integer[], $8::bigint[])
         WITH ORDINALITY AS n(minute, placed, completed, cancelled, revenue_high, revenue_low,
                              responses, response_us, i),
         LATERAL (SELECT (n.i::int - 1) * 4 * $10::integer AS first) AS b
    ORDER BY n.minute
    ON CONFLICT (minute) DO UPDATE
    SET placed = m.placed + EXCLUDED.placed, completed = m.completed + EXCLUDED.completed,
        cancelled = m.cancelled + EXCLUDED.cancelled, revenue = m.revenue + EXCLUDED.revenue,
        responses = m.responses + EXCLUDED.responses,
        response_us = m.response_us + EXCLUDED.response_us,
        reserve = add_counts(m.reserve, EXCLUDED.reserve),
        charge = add_counts(m.charge, EXCLUDED.charge), ship = add_counts(m.ship, EXCLUDED.ship),
        complete = add_counts(m.complete, EXCLUDED.complete))"};

const Statement kAddTotals{"counters_add", R"(
    INSERT INTO counters AS c (name, value)
    SELECT n.name, n.high * 1000000000000000000::numeric + n.low
    FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS n(name, high, low)
    ORDER BY n.name COLLATE "C"
    ON CONFLICT (name) DO UPDATE SET value = c.value + EXCLUDED.value)"};

const Statement kReadTotals{"counters_read", "SELECT name, value::text FROM counters"};
const Statement kReadMinutes{"minutes_read", R"(
    SELECT responses::bigint, response_us, reserve::bigint[], charge::bigint[], ship::bigint[],
           complete::bigint[]
    FROM minutes WHERE minute >= date_trunc('minute', now()) - interval '5 minutes')"};
const Statement kReadThroughput{"minutes_throughput", R"(
    SELECT t.minute, coalesce(m.placed, 0)::bigint, coalesce(m.completed, 0)::bigint,
           coalesce(m.cancelled, 0)::bigint, coalesce(m.revenue, 0)::text,
           coalesce(m.responses, 0)::bigint, coalesce(m.response_us, 0)
    FROM generate_series(date_trunc('minute', now()) - make_interval(mins => $1::integer - 1),
                         date_trunc('minute', now()), interval '1 minute') AS t(minute)
    LEFT JOIN minutes m ON m.minute = t.minute
    ORDER BY t.minute)"};
const Statement kReadCustomers{"customers_read", R"(
    SELECT coalesce(sum(last_orders), 0)::bigint, coalesce(sum(first_orders), 0)::bigint
    FROM customer_minutes
    WHERE minute >= date_trunc('minute', now() - interval '24 hours'))"};

void add_open(Connection& connection, const Tally& tally) {
    Column<std::int64_t> seconds(tally.open_seconds.size());
    Column<std::int32_t> open(tally.open_seconds.size());
    for (const auto& [second, change] : tally.open_seconds) {
        seconds.push(second);
        open.push(change);
    }
    connection.exec(kAddOpen, Params::of(seconds, open));
}

void add_customers(Connection& connection, const Tally& tally) {
    Column<std::string_view> ids(tally.customers.size());
    Column<Instant> first, last;
    for (const auto& [id, activity] : tally.customers) {
        ids.push(id);
        first.push(activity.first);
        last.push(activity.last_minute);
    }
    connection.exec(kAddCustomers, Params::of(ids, first, last));
}

void add_minutes(Connection& connection, const Tally& tally) {
    std::size_t width = 1;
    for (const auto& [time, minute] : tally.minutes) {
        for (const Histogram& step : minute.steps) width = std::max(width, step.size());
    }
    Column<Instant> minutes;
    Column<std::int32_t> placed, completed, cancelled, responses;
    Column<std::int64_t> revenue_high, revenue_low, response_us;
    Column<std::int32_t> counts(tally.minutes.size() * kSteps * width);
    for (const auto& [time, minute] : tally.minutes) {
        minutes.push(time);
        placed.push(minute.placed);
        completed.push(minute.completed);
        cancelled.push(minute.cancelled);
        revenue_high.push(minute.revenue.high);
        revenue_low.push(minute.revenue.low);
        responses.push(minute.responses);
        response_us.push(minute.response_us);
        for (const Histogram& step : minute.steps) {
            for (std::size_t i = 0; i < width; ++i) counts.push(i < step.size() ? step[i] : 0);
        }
    }
    connection.exec(kAddMinutes,
                    Params::of(minutes, placed, completed, cancelled, revenue_high, revenue_low,
                               responses, response_us, counts, static_cast<std::int32_t>(width)));
}

void add_totals(Connection& connection, const Tally& tally) {
    Column<std::string_view> names(tally.totals.size());
    Column<std::int64_t> high, low;
    for (const auto& [name, sum] : tally.totals) {
        names.push(name);
        high.push(sum.high);
        low.push(sum.low);
    }
    connection.exec(kAddTotals, Params::of(names, high, low));
}

}  // namespace

void add_tally(Connection& connection, const Tally& tally) {
    if (!tally.totals.empty()) add_totals(connection, tally);
    if (!tally.open_seconds.empty()) add_open(connection, tally);
    if (!tally.customers.empty()) add_customers(connection, tally);
    if (!tally.minutes.empty()) add_minutes(connection, tally);
}

Figures read_figures(Connection& connection) {
    Figures figures;
    const Rows totals = connection.exec(kReadTotals);
    for (int i = 0; i < totals.size(); ++i) {
        figures.totals.emplace(totals.text(i, 0), totals.text(i, 1));
    }
    const Rows minutes = connection.exec(kReadMinutes);
    for (int i = 0; i < minutes.size(); ++i) {
        figures.responses += minutes.int64(i, 0);
        figures.response_us += minutes.int64(i, 1);
        for (std::size_t step = 0; step < kSteps; ++step) {
            const auto counts = minutes.int64_array(i, 2 + static_cast<int>(step));
            auto& sum = figures.steps[step];
            if (sum.size() < counts.size()) sum.resize(counts.size());
            std::ranges::transform(counts, sum, sum.begin(), std::plus{});
        }
    }
    const Rows customers = connection.exec(kReadCustomers);
    figures.active_customers = customers.int64(0, 0);
    figures.new_customers = customers.int64(0, 1);
    return figures;
}

std::vector<MinuteFigures> read_minutes(Connection& connection, std::int32_t count) {
    const Rows rows = connection.exec(kReadThroughput, Params::of(count));
    std::vector<MinuteFigures> minutes;
    for (int i = 0; i < rows.size(); ++i) {
        minutes.push_back({rows.instant(i, 0), rows.int64(i, 1), rows.int64(i, 2), rows.int64(i, 3),
                           std::string(rows.text(i, 4)), rows.int64(i, 5), rows.int64(i, 6)});
    }
    return minutes;
}

}  // namespace orderflow::analytics
