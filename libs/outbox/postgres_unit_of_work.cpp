#include "outbox/postgres_unit_of_work.hpp"

#include <stdexcept>
#include <utility>

#include <spdlog/spdlog.h>

#include "events/codec.hpp"

namespace orderflow::outbox {
namespace {

using postgres::Bytes;
using postgres::Column;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

constexpr std::size_t kMaxEventBytes = 256 * 1024;

// An advisory lock of the service's database, held from the append to the end of the commit.
constexpr std::int64_t kOutboxLock = 0x6f757462;

// The statement that inserts also takes the lock: it joins the lock's row, so it draws no seq
// before it has the lock. It inserts in the order of the arrays, which the plan has anyway: this
// costs nothing.
const Statement kAppend{"append", R"(
    WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock($1::bigint))
    INSERT INTO outbox (event_id, order_id, topic, key, type, headers, data, recorded_at)
    SELECT event_id, order_id, topic, key, type, headers, data, clock_timestamp()
    FROM held, unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
                      $8::text[]) WITH ORDINALITY
         AS new(event_id, order_id, topic, key, type, headers, data, place)
    ORDER BY place
    RETURNING seq, recorded_at)"};

}  // namespace

PostgresUnitOfWork::PostgresUnitOfWork(postgres::Connection& connection, events::Service producer,
                                       RelayFeed& relay_feed, std::vector<std::string> topics)
    : connection_(connection),
      producer_(producer),
      relay_feed_(relay_feed),
      parked_(connection, std::move(topics)) {}

Instant PostgresUnitOfWork::begin() {
    announcements_.clear();
    failures_.drop();
    log_failures();  // also logs the number of failures that were not logged
    const bool was_connected = connection_.connected();
    try {
        transaction_.emplace(connection_, parked_.first_query());
    } catch (const postgres::DatabaseError& error) {
        // The database has restarted since the last transaction: nothing is lost yet.
        if (!was_connected || !error.connection_lost()) throw;
        connection_.reset();
        transaction_.emplace(connection_, parked_.first_query());
    }
    some_parked_ = parked_.some_block(transaction_->answer());
    return transaction_->now();
}

std::vector<std::string> PostgresUnitOfWork::blocked(std::span<const std::string_view> keys) {
    if (!some_parked_) return {};
    return parked_.blocked(keys);
}

std::optional<DueRecord> PostgresUnitOfWork::take_due(Instant now) { return parked_.take_due(now); }

void PostgresUnitOfWork::park(std::span<const ParkedRecord> records) {
    for (const ParkedRecord& parked : parked_.insert(records, transaction_->now())) {
        announcements_.push_back(announce(parked, producer_, transaction_->now()));
        failures_.parked(parked, transaction_->now());
    }
}

bool PostgresUnitOfWork::retried(const Retried& retried) {
    if (retried.done()) return parked_.remove(*retried.due);
    if (!parked_.update(retried)) return false;
    announcements_.push_back(announce(retried, producer_, transaction_->now()));
    failures_.retried(retried);
    return true;
}

void PostgresUnitOfWork::commit(std::span<const OutgoingEvent> events) {
    std::vector<LedgerRow> rows = rows_of(events);
    if (rows.empty()) {
        transaction_->commit();
    } else {
        append_and_commit(rows);
    }
    transaction_.reset();
    if (!rows.empty()) relay_feed_.push(std::move(rows));
    log_failures();
}

// Moves the announcements' texts.
std::vector<LedgerRow> PostgresUnitOfWork::rows_of(std::span<const OutgoingEvent> events) {
    std::vector<LedgerRow> rows;
    rows.reserve(events.size() + announcements_.size());
    for (const OutgoingEvent& event : events) {
        const OrderId* order = events::order_of(event.data);
        const auto kind = events::kind_of(event.data);
        LedgerRow& row = rows.emplace_back();
        if (order) row.order_id = *order;
        row.topic = events::topic_of(kind, producer_);
        row.key = events::key_of(event.data);
        row.type = events::type_name(kind);
        row.headers =
            event.traceparent.empty() ? "{}" : "{\"traceparent\":\"" + event.traceparent + "\"}";
        events::encode(event.data, row.data);
    }
    for (Announcement& announcement : announcements_) {
        LedgerRow& row = rows.emplace_back();
        row.order_id = announcement.order_id;
        row.topic = std::move(announcement.topic);
        row.key = std::move(announcement.key);
        row.type = announcement.type;
        row.headers = "{}";
        row.data = std::move(announcement.json);
    }
    for (LedgerRow& row : rows) {
        if (row.data.size() > kMaxEventBytes) throw std::length_error("event above 256 KiB");
        row.event_id = ids_.next<EventId>(transaction_->now());
    }
    return rows;
}

// In one round trip, so the outbox lock is held for a short time only.
void PostgresUnitOfWork::append_and_commit(std::vector<LedgerRow>& rows) {
    Column<EventId> ids(rows.size());
    Column<OrderId> orders(rows.size());
    Column<std::string_view> topics, keys, types, headers, data;
    for (const LedgerRow& row : rows) {
        ids.push(row.event_id);
        orders.push(row.order_id);
        topics.push(row.topic);
        keys.push(row.key ? std::optional<std::string_view>(*row.key) : std::nullopt);
        types.push(row.type);
        headers.push(row.headers);
        data.push(row.data);
    }
    const Rows added = transaction_->commit_after(
        kAppend, Params::of(kOutboxLock, ids, orders, topics, keys, types, headers, data));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i].seq = added.int64(static_cast<int>(i), 0);
        rows[i].recorded_at = added.instant(static_cast<int>(i), 1);
    }
}

void PostgresUnitOfWork::log_failures() {
    for (const auto& [died, text] : failures_.take(FailureLog::Clock::now())) {
        spdlog::log(died ? spdlog::level::err : spdlog::level::warn, "{}", text);
    }
}

void PostgresUnitOfWork::rollback() noexcept { transaction_.reset(); }

}  // namespace orderflow::outbox
