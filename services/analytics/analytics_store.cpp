#include "analytics/analytics_store.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <stdexcept>

#include <boost/mp11.hpp>

#include "core/enums.hpp"

namespace orderflow::analytics {
namespace {

using postgres::Column;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

// A position is partition * 2^48 + offset: at 10,000 records/s a partition lasts 890 years.
constexpr int kOffsetBits = 48;
constexpr std::int64_t kOffsetMask = (std::int64_t{1} << kOffsetBits) - 1;

// What stands for an empty slot in the flat arrays below, which hold no NULLs: with NULLs
// PostgreSQL would have to walk an array to find its n-th element. The time is '-infinity'.
constexpr std::int64_t kNoPosition = -1;
constexpr Instant kNoTime{std::chrono::microseconds{std::numeric_limits<std::int64_t>::min() +
                                                    postgres::kEpochUs}};

// `line(stem, i)` for every slot, joined by commas; the stem is the slot's name.
template <class Line>
std::string for_slots(Line line) {
    std::string text;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Slot>>([&](auto slot) {
        if (!text.empty()) text += ", ";
        text += line(std::string(slot.name), static_cast<int>(slot.value));
    });
    return text;
}

std::string slot_columns() {
    return for_slots([](const std::string& stem, int) { return stem + "_at, " + stem + "_pos"; });
}

// The slots of row n.i in the flat arrays $1, times, and $2, positions: 16 elements per row. The
// parameters themselves: what stands in FROM is copied for each row of the result, arrays and all.
std::string slot_values(bool named) {
    return for_slots([named](const std::string& stem, int slot) {
        const std::string at =
            "[(n.i::int - 1) * " + std::to_string(kSlots) + " + " + std::to_string(slot + 1) + "]";
        return (named ? stem + "_at = " : "") + "nullif(($1::timestamptz[])" + at +
               ", '-infinity'), " +
               (named ? stem + "_pos = " : "") + "nullif(($2::bigint[])" + at + ", -1)";
    });
}

const std::string kSelectSql = "SELECT order_id, version, customer_id, total, currency, reason, " +
                               slot_columns() + " FROM timelines WHERE order_id = ";
const std::string kLoadSql = kSelectSql + "ANY ($1::uuid[])";
const std::string kFindSql = kSelectSql + "$1::uuid";

const std::string kInsertSql = R"(
    INSERT INTO timelines (order_id, version, customer_id, total, currency, reason, )" +
                               slot_columns() + R"()
    SELECT n.order_id, 1, n.customer_id, n.total, n.currency, n.reason, )" +
                               slot_values(false) + R"(
    FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[])
         WITH ORDINALITY AS n(order_id, customer_id, total, currency, reason, i)
    ON CONFLICT DO NOTHING)";

const std::string kUpdateSql = R"(
    UPDATE timelines t
    SET version = t.version + 1, customer_id = n.customer_id, total = n.total,
        currency = n.currency, reason = n.reason, )" +
                               slot_values(true) + R"(
    FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bigint[])
         WITH ORDINALITY AS n(order_id, customer_id, total, currency, reason, version, i)
    WHERE t.order_id = n.order_id AND t.version = n.version)";

const Statement kLoad{"timelines_load", kLoadSql.c_str()};
const Statement kFind{"timelines_find", kFindSql.c_str()};
const Statement kInsert{"timelines_insert", kInsertSql.c_str()};
const Statement kUpdate{"timelines_update", kUpdateSql.c_str()};

// Customers who need no new version are left out before the upsert would lock them. What their rows
// said before is what they say: every batch that comes here holds the lock on the counter "placed".
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

const Statement kOpenSeconds{"open_seconds", R"(
    SELECT second, open::bigint FROM open_seconds WHERE open > 0 AND second < $1::bigint
    ORDER BY second)"};
const Statement kScanOpen{"open_scan", R"(
    SELECT order_id FROM timelines
    WHERE order_id >= $1::uuid AND order_id < $2::uuid AND order_placed_at IS NOT NULL
          AND order_completed_at IS NULL AND order_cancelled_at IS NULL
    ORDER BY order_id)"};
// Skips what a batch has locked, and so never waits for one.
const Statement kTidyOpen{"open_tidy", R"(
    DELETE FROM open_seconds WHERE second = ANY (ARRAY(
        SELECT second FROM open_seconds WHERE open = 0 AND second < $1::bigint
        FOR UPDATE SKIP LOCKED)))"};

// The views of a set of orders, column by column.
struct ViewColumns {
    Column<Instant> times;
    Column<std::int64_t> positions;
    Column<OrderId> ids;
    Column<std::string_view> customers;
    Column<std::int64_t> totals;
    Column<Currency> currencies;
    Column<std::string_view> reasons;
    Column<std::int64_t> versions;

    explicit ViewColumns(const std::vector<const Views::Entry*>& entries)
        : times(entries.size() * kSlots), positions(entries.size() * kSlots), ids(entries.size()) {
        for (const Views::Entry* entry : entries) push(*entry);
    }

    void push(const Views::Entry& entry) {
        const OrderView& view = entry.row;
        for (const auto& mark : view.marks) {
            times.push(mark ? mark->time : kNoTime);
            positions.push(mark ? std::int64_t{mark->partition} << kOffsetBits | mark->offset
                                : kNoPosition);
        }
        ids.push(entry.id);
        view.customer_id.empty() ? customers.push(std::nullopt) : customers.push(view.customer_id);
        if (view.total) {
            totals.push(view.total->amount);
            currencies.push(view.total->currency);
        } else {
            totals.push(std::nullopt);
            currencies.push(std::nullopt);
        }
        if (view.reason) {
            reasons.push(name_of(*view.reason));
        } else {
            reasons.push(std::nullopt);
        }
        versions.push(entry.version);
    }
};

OrderView read_view(const Rows& rows, int row) {
    OrderView view;
    view.customer_id = rows.text(row, 2);
    if (!rows.is_null(row, 3)) {
        view.total = Money{rows.int64(row, 3), Currency::parse(rows.text(row, 4)).value()};
    }
    if (!rows.is_null(row, 5)) {
        view.reason = enum_of<events::Reason>(rows.text(row, 5));
    }
    for (std::size_t i = 0; i < kSlots; ++i) {
        const int column = 6 + 2 * static_cast<int>(i);
        if (rows.is_null(row, column)) continue;
        const std::int64_t position = rows.int64(row, column + 1);
        view.marks[i] = Mark{rows.instant(row, column),
                             static_cast<std::int32_t>(position >> kOffsetBits),
                             position & kOffsetMask};
    }
    return view;
}

class PostgresAnalyticsStore final : public AnalyticsStore {
public:
    explicit PostgresAnalyticsStore(postgres::Connection& connection) : connection_(connection) {}

    Views load(std::span<const OrderId> ids) override {
        auto keys = postgres::column_of(ids);
        const Rows rows = connection_.exec(kLoad, Params::of(keys));
        Views views;
        for (int i = 0; i < rows.size(); ++i) {
            views.loaded(rows.id<OrderId>(i, 0), read_view(rows, i), rows.int64(i, 1));
        }
        return views;
    }

    bool save(const Views& views) override {
        const auto changes = views.changes();
        return insert(changes.inserts) && update(changes.updates);
    }

    void add(const Tally& tally) override {
        if (!tally.totals.empty()) add_totals(tally);
        if (!tally.open_seconds.empty()) add_open(tally);
        if (!tally.customers.empty()) add_customers(tally);
        if (!tally.minutes.empty()) add_minutes(tally);
    }

private:
    bool insert(const std::vector<const Views::Entry*>& entries) {
        if (entries.empty()) return true;
        ViewColumns c(entries);
        const Rows rows = connection_.exec(
            kInsert, Params::of(c.times, c.positions, c.ids, c.customers, c.totals, c.currencies,
                                c.reasons));
        return rows.affected() == static_cast<std::int64_t>(entries.size());
    }

    bool update(const std::vector<const Views::Entry*>& entries) {
        if (entries.empty()) return true;
        ViewColumns c(entries);
        const Rows rows = connection_.exec(
            kUpdate, Params::of(c.times, c.positions, c.ids, c.customers, c.totals, c.currencies,
                                c.reasons, c.versions));
        return rows.affected() == static_cast<std::int64_t>(entries.size());
    }

    void add_open(const Tally& tally) {
        Column<std::int64_t> seconds(tally.open_seconds.size());
        Column<std::int32_t> open(tally.open_seconds.size());
        for (const auto& [second, change] : tally.open_seconds) {
            seconds.push(second);
            open.push(change);
        }
        connection_.exec(kAddOpen, Params::of(seconds, open));
    }

    void add_customers(const Tally& tally) {
        Column<std::string_view> ids(tally.customers.size());
        Column<Instant> first, last;
        for (const auto& [id, activity] : tally.customers) {
            ids.push(id);
            first.push(activity.first);
            last.push(activity.last_minute);
        }
        connection_.exec(kAddCustomers, Params::of(ids, first, last));
    }

    void add_minutes(const Tally& tally) {
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
        connection_.exec(kAddMinutes,
                         Params::of(minutes, placed, completed, cancelled, revenue_high,
                                    revenue_low, responses, response_us, counts,
                                    static_cast<std::int32_t>(width)));
    }

    void add_totals(const Tally& tally) {
        Column<std::string_view> names(tally.totals.size());
        Column<std::int64_t> high, low;
        for (const auto& [name, sum] : tally.totals) {
            names.push(name);
            high.push(sum.high);
            low.push(sum.low);
        }
        connection_.exec(kAddTotals, Params::of(names, high, low));
    }

    postgres::Connection& connection_;
};

class PostgresOpenOrderSource final : public OpenOrderSource {
public:
    explicit PostgresOpenOrderSource(postgres::Connection& connection) : connection_(connection) {}

    std::vector<OpenSecond> open_seconds(std::int64_t before) override {
        const Rows rows = connection_.exec(kOpenSeconds, Params::of(before));
        std::vector<OpenSecond> seconds;
        for (int i = 0; i < rows.size(); ++i) {
            seconds.push_back({rows.int64(i, 0), rows.int64(i, 1)});
        }
        return seconds;
    }

    std::vector<OrderId> scan_second(std::int64_t second) override {
        const Instant begin{std::chrono::seconds{second}};
        const Rows rows = connection_.exec(
            kScanOpen,
            Params::of(first_order_id(begin), first_order_id(begin + std::chrono::seconds{1})));
        std::vector<OrderId> open;
        for (int i = 0; i < rows.size(); ++i) open.push_back(rows.id<OrderId>(i, 0));
        return open;
    }

    void tidy(std::int64_t before) override {
        connection_.exec(kTidyOpen, Params::of(before));
    }

    std::vector<OpenOrder> find_open(std::span<const OrderId> ids) override {
        auto keys = postgres::column_of(ids);
        const Rows rows = connection_.exec(kLoad, Params::of(keys));
        std::vector<OpenOrder> found;
        for (int i = 0; i < rows.size(); ++i) {
            auto order = open_order(rows.id<OrderId>(i, 0), read_view(rows, i));
            if (order) found.push_back(std::move(*order));
        }
        return found;
    }

private:
    postgres::Connection& connection_;
};

}  // namespace

std::unique_ptr<OpenOrderSource> make_open_order_source(postgres::Connection& connection) {
    return std::make_unique<PostgresOpenOrderSource>(connection);
}

std::unique_ptr<AnalyticsStore> make_analytics_store(postgres::Connection& connection) {
    return std::make_unique<PostgresAnalyticsStore>(connection);
}

std::optional<OrderView> find_view(postgres::Connection& connection, const OrderId& id) {
    const Rows rows = connection.exec(kFind, Params::of(id));
    if (rows.size() == 0) return std::nullopt;
    return read_view(rows, 0);
}

Figures read_figures(postgres::Connection& connection) {
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

std::vector<MinuteFigures> read_minutes(postgres::Connection& connection, std::int32_t count) {
    const Rows rows = connection.exec(kReadThroughput, Params::of(count));
    std::vector<MinuteFigures> minutes;
    for (int i = 0; i < rows.size(); ++i) {
        minutes.push_back({rows.instant(i, 0), rows.int64(i, 1), rows.int64(i, 2),
                           rows.int64(i, 3), std::string(rows.text(i, 4)), rows.int64(i, 5),
                           rows.int64(i, 6)});
    }
    return minutes;
}

}  // namespace orderflow::analytics
