#include "analytics/timeline/timeline_store.hpp"

#include <limits>

#include <boost/mp11.hpp>

#include "analytics/timeline/figures_store.hpp"
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

// The value of an empty slot in the flat arrays below, which contain no NULLs: with NULLs
// PostgreSQL would have to walk an array to find its n-th element. The time is '-infinity'.
constexpr std::int64_t kNoPosition = -1;
constexpr Instant kNoTime{
    std::chrono::microseconds{std::numeric_limits<std::int64_t>::min() + postgres::kEpochUs}};

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

// The slots of row n.i in the flat arrays $1, times, and $2, positions: kSlots elements per row.
// They use the parameters directly: a column of FROM would be copied for each row of the result,
// arrays and all.
std::string slot_values(bool named) {
    return for_slots([named](const std::string& stem, int slot) {
        const std::string at =
            "[(n.i::int - 1) * " + std::to_string(kSlots) + " + " + std::to_string(slot + 1) + "]";
        return (named ? stem + "_at = " : "") + "nullif(($1::timestamptz[])" + at +
               ", '-infinity'), " + (named ? stem + "_pos = " : "") + "nullif(($2::bigint[])" + at +
               ", -1)";
    });
}

const std::string kSelectSql =
    "SELECT order_id, version, customer_id, total, currency, reason, "
    "traceparent, " +
    slot_columns() + " FROM timelines WHERE order_id = ";
const std::string kLoadSql = kSelectSql + "ANY ($1::uuid[])";
const std::string kFindSql = kSelectSql + "$1::uuid";

const std::string kInsertSql = R"(
    INSERT INTO timelines (order_id, version, customer_id, total, currency, reason,
                           traceparent, )" +
                               slot_columns() + R"()
    SELECT n.order_id, 1, n.customer_id, n.total, n.currency, n.reason, n.traceparent, )" +
                               slot_values(false) + R"(
    FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[])
         WITH ORDINALITY AS n(order_id, customer_id, total, currency, reason, traceparent, i)
    ON CONFLICT DO NOTHING)";

const std::string kUpdateSql = R"(
    UPDATE timelines t
    SET version = t.version + 1, customer_id = n.customer_id, total = n.total,
        currency = n.currency, reason = n.reason, traceparent = n.traceparent, )" +
                               slot_values(true) + R"(
    FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
                $9::bigint[])
         WITH ORDINALITY AS n(order_id, customer_id, total, currency, reason, traceparent, version,
                              i)
    WHERE t.order_id = n.order_id AND t.version = n.version)";

const Statement kLoad{"timelines_load", kLoadSql.c_str()};
const Statement kFind{"timelines_find", kFindSql.c_str()};
const Statement kInsert{"timelines_insert", kInsertSql.c_str()};
const Statement kUpdate{"timelines_update", kUpdateSql.c_str()};

const Statement kOpenSeconds{"open_seconds", R"(
    SELECT second, open::bigint FROM open_seconds WHERE open > 0 AND second < $1::bigint
    ORDER BY second)"};
const Statement kScanOpen{"open_scan", R"(
    SELECT order_id FROM timelines
    WHERE order_id >= $1::uuid AND order_id < $2::uuid AND order_placed_at IS NOT NULL
          AND order_completed_at IS NULL AND order_cancelled_at IS NULL
    ORDER BY order_id)"};
// Skips rows that a batch has locked, and so never waits for one.
const Statement kTidyOpen{"open_tidy", R"(
    DELETE FROM open_seconds WHERE second = ANY (ARRAY(
        SELECT second FROM open_seconds WHERE open = 0 AND second < $1::bigint
        FOR UPDATE SKIP LOCKED)))"};

// The timelines of a set of orders, column by column.
struct TimelineColumns {
    Column<Instant> times;
    Column<std::int64_t> positions;
    Column<OrderId> ids;
    Column<std::string_view> customers;
    Column<std::int64_t> totals;
    Column<Currency> currencies;
    Column<std::string_view> reasons;
    Column<std::string_view> traceparents;
    Column<std::int64_t> versions;

    explicit TimelineColumns(const std::vector<const Timelines::Entry*>& entries)
        : times(entries.size() * kSlots), positions(entries.size() * kSlots), ids(entries.size()) {
        for (const Timelines::Entry* entry : entries) push(*entry);
    }

    void push(const Timelines::Entry& entry) {
        const Timeline& timeline = entry.row;
        for (const auto& mark : timeline.marks) {
            times.push(mark ? mark->time : kNoTime);
            positions.push(mark ? std::int64_t{mark->partition} << kOffsetBits | mark->offset
                                : kNoPosition);
        }
        ids.push(entry.id);
        push_text(customers, timeline.customer_id);
        push_text(traceparents, timeline.traceparent);
        if (timeline.total) {
            totals.push(timeline.total->amount);
            currencies.push(timeline.total->currency);
        } else {
            totals.push(std::nullopt);
            currencies.push(std::nullopt);
        }
        if (timeline.reason) {
            reasons.push(name_of(*timeline.reason));
        } else {
            reasons.push(std::nullopt);
        }
        versions.push(entry.version);
    }

    static void push_text(Column<std::string_view>& column, const std::string& text) {
        text.empty() ? column.push(std::nullopt) : column.push(text);
    }
};

Timeline read_timeline(const Rows& rows, int row) {
    Timeline timeline;
    timeline.customer_id = rows.text(row, 2);
    if (!rows.is_null(row, 3)) {
        timeline.total = Money{rows.int64(row, 3), Currency::parse(rows.text(row, 4)).value()};
    }
    if (!rows.is_null(row, 5)) {
        timeline.reason = enum_of<events::Reason>(rows.text(row, 5));
    }
    timeline.traceparent = rows.text(row, 6);
    for (std::size_t i = 0; i < kSlots; ++i) {
        const int column = 7 + 2 * static_cast<int>(i);
        if (rows.is_null(row, column)) continue;
        const std::int64_t position = rows.int64(row, column + 1);
        timeline.marks[i] =
            Mark{rows.instant(row, column), static_cast<std::int32_t>(position >> kOffsetBits),
                 position & kOffsetMask};
    }
    return timeline;
}

class PostgresTimelineStore final : public TimelineStore {
public:
    explicit PostgresTimelineStore(postgres::Connection& connection) : connection_(connection) {}

    Timelines load(std::span<const OrderId> ids) override {
        auto keys = postgres::column_of(ids);
        const Rows rows = connection_.exec(kLoad, Params::of(keys));
        Timelines timelines;
        for (int i = 0; i < rows.size(); ++i) {
            timelines.loaded(rows.id<OrderId>(i, 0), read_timeline(rows, i), rows.int64(i, 1));
        }
        return timelines;
    }

    bool save(const Timelines& timelines) override {
        const auto changes = timelines.changes();
        return insert(changes.inserts) && update(changes.updates);
    }

    void add(const Tally& tally) override { add_tally(connection_, tally); }

private:
    bool insert(const std::vector<const Timelines::Entry*>& entries) {
        if (entries.empty()) return true;
        TimelineColumns c(entries);
        const Rows rows =
            connection_.exec(kInsert, Params::of(c.times, c.positions, c.ids, c.customers, c.totals,
                                                 c.currencies, c.reasons, c.traceparents));
        return rows.affected() == static_cast<std::int64_t>(entries.size());
    }

    bool update(const std::vector<const Timelines::Entry*>& entries) {
        if (entries.empty()) return true;
        TimelineColumns c(entries);
        const Rows rows = connection_.exec(
            kUpdate, Params::of(c.times, c.positions, c.ids, c.customers, c.totals, c.currencies,
                                c.reasons, c.traceparents, c.versions));
        return rows.affected() == static_cast<std::int64_t>(entries.size());
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

    void tidy(std::int64_t before) override { connection_.exec(kTidyOpen, Params::of(before)); }

    std::vector<OpenOrder> find_open(std::span<const OrderId> ids) override {
        auto keys = postgres::column_of(ids);
        const Rows rows = connection_.exec(kLoad, Params::of(keys));
        std::vector<OpenOrder> found;
        for (int i = 0; i < rows.size(); ++i) {
            auto order = open_order(rows.id<OrderId>(i, 0), read_timeline(rows, i));
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

std::unique_ptr<TimelineStore> make_timeline_store(postgres::Connection& connection) {
    return std::make_unique<PostgresTimelineStore>(connection);
}

std::optional<Timeline> find_timeline(postgres::Connection& connection, const OrderId& id) {
    const Rows rows = connection.exec(kFind, Params::of(id));
    if (rows.size() == 0) return std::nullopt;
    return read_timeline(rows, 0);
}

std::vector<KnownOrder> find_timelines(postgres::Connection& connection,
                                       std::span<const OrderId> ids) {
    auto keys = postgres::column_of(ids);
    const Rows rows = connection.exec(kLoad, Params::of(keys));
    std::vector<KnownOrder> found;
    for (int i = 0; i < rows.size(); ++i) {
        found.push_back({rows.id<OrderId>(i, 0), read_timeline(rows, i)});
    }
    return found;
}

}  // namespace orderflow::analytics
