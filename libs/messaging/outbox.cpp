#include "messaging/outbox.hpp"

#include <stdexcept>

#include <spdlog/spdlog.h>

#include "events/codec.hpp"

namespace orderflow::messaging {
namespace {

using postgres::Bytes;
using postgres::Column;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

constexpr std::size_t kMaxEventBytes = 256 * 1024;

// Advisory locks of one service's database.
constexpr std::int64_t kOutboxLock = 0x6f757462;  // held by append() until the commit
constexpr std::int64_t kRelayLock = 0x72656c61;   // held by the relay's session

// The lock is taken by the statement that inserts: its row is joined, so no seq is drawn before
// the lock is held. In the order of the arrays, which the plan has anyway: it costs nothing.
const Statement kAppend{"append", R"(
    WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock($1::bigint))
    INSERT INTO outbox (event_id, order_id, topic, key, type, headers, data, recorded_at)
    SELECT event_id, order_id, topic, key, type, headers, data, clock_timestamp()
    FROM held, unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
                      $8::text[]) WITH ORDINALITY
         AS new(event_id, order_id, topic, key, type, headers, data, place)
    ORDER BY place)"};

// A checkpoint that is not where this relay left it was moved by an operator, who wants events sent
// again, or by another relay.
const Statement kMoveCheckpoint{
    "relay_move", "UPDATE relay_checkpoint SET seq = $2::bigint WHERE seq = $1::bigint"};

const Statement kLead{"relay_lead", "SELECT pg_try_advisory_lock($1::bigint)"};
const Statement kIdle{"relay_idle", "SET idle_session_timeout = '3s'"};
const Statement kCheckpoint{"relay_checkpoint", "SELECT seq FROM relay_checkpoint"};
const Statement kRead{"relay_read", R"(
    SELECT seq, event_id, order_id, topic, key, type, headers, data, recorded_at
    FROM outbox WHERE seq > $1::bigint ORDER BY seq LIMIT $2::bigint)"};

}  // namespace

void Bell::ring() {
    const std::lock_guard lock(mutex_);
    pending_ = true;
    rung_.notify_one();
}

void Bell::wait(std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex_);
    rung_.wait_for(lock, at_most, [this] { return pending_; });
    pending_ = false;
}

PostgresUnitOfWork::PostgresUnitOfWork(postgres::Connection& connection, events::Service producer,
                                       Bell& bell)
    : connection_(connection), producer_(producer), bell_(bell), parked_(connection) {}

Instant PostgresUnitOfWork::begin() {
    appended_ = false;
    announcements_.clear();
    failures_.drop();
    log_failures();  // how many there were beyond those logged
    const bool was_connected = connection_.connected();
    try {
        transaction_.emplace(connection_, parked_.first_query());
    } catch (const postgres::DatabaseError& error) {
        // The database was restarted since the last transaction: nothing is lost yet.
        if (!was_connected || !error.connection_lost()) throw;
        connection_.reset();
        transaction_.emplace(connection_, parked_.first_query());
    }
    some_parked_ = parked_.some_block(transaction_->answer());
    return transaction_->now();
}

std::vector<OrderId> PostgresUnitOfWork::blocked(std::span<const OrderId> orders) {
    if (!some_parked_) return {};
    return parked_.blocked(orders);
}

std::optional<WaitingRecord> PostgresUnitOfWork::take_due(Instant now) {
    return parked_.take_due(now);
}

void PostgresUnitOfWork::park(std::span<const ParkedRecord> records) {
    for (const ParkedRecord& parked : parked_.insert(records, transaction_->now())) {
        announcements_.push_back(announce(parked, producer_, transaction_->now()));
        failures_.parked(parked, transaction_->now());
    }
}

bool PostgresUnitOfWork::retried(const Retried& retried) {
    if (retried.done()) return parked_.remove(*retried.waiting);
    if (!parked_.update(retried)) return false;
    announcements_.push_back(announce(retried, producer_, transaction_->now()));
    failures_.retried(retried);
    return true;
}

void PostgresUnitOfWork::append(std::span<const OutgoingEvent> events) {
    const std::size_t rows = events.size() + announcements_.size();
    if (rows == 0) return;
    Column<EventId> ids(rows);
    Column<OrderId> orders(rows);
    Column<std::string_view> topics, keys, types, headers, data;
    const auto add = [&](const std::optional<OrderId>& order, std::string_view topic,
                         std::string_view key, std::string_view type, std::string_view json) {
        if (json.size() > kMaxEventBytes) throw std::length_error("event above 256 KiB");
        ids.push(ids_.next<EventId>(transaction_->now()));
        orders.push(order);
        topics.push(topic);
        keys.push(key);
        types.push(type);
        data.push(json);
    };
    std::string json;
    for (const OutgoingEvent& event : events) {
        json.clear();
        events::encode(event.data, json);
        const OrderId* order = events::order_of(event.data);
        add(order ? std::optional(*order) : std::nullopt, events::topic_of(producer_),
            order ? order->to_string()
                  : std::get<events::StockAdjusted>(event.data).product_id,
            events::type_name(events::kind_of(event.data)), json);
        headers.push(event.traceparent.empty()
                         ? std::string("{}")
                         : "{\"traceparent\":\"" + event.traceparent + "\"}");
    }
    for (const Announcement& announcement : announcements_) {
        add(announcement.order_id, announcement.topic, announcement.key, announcement.type,
            announcement.json);
        headers.push("{}");
    }
    connection_.exec(kAppend, Params::of(kOutboxLock, ids, orders, topics, keys, types, headers,
                                         data));
    appended_ = true;
}

void PostgresUnitOfWork::commit() {
    transaction_->commit();
    transaction_.reset();
    if (appended_) bell_.ring();
    log_failures();
}

void PostgresUnitOfWork::log_failures() {
    for (const auto& [died, text] : failures_.take(FailureLog::Clock::now())) {
        spdlog::log(died ? spdlog::level::err : spdlog::level::warn, "{}", text);
    }
}

void PostgresUnitOfWork::rollback() noexcept { transaction_.reset(); }

PostgresLedger::PostgresLedger(const postgres::Url& url) : connection_(url) {}

bool PostgresLedger::lead() {
    if (!connection_.connected()) connection_.exec(kIdle);
    return connection_.exec(kLead, Params::of(kRelayLock)).boolean(0, 0);
}

std::int64_t PostgresLedger::checkpoint() { return connection_.exec(kCheckpoint).int64(0, 0); }

std::vector<LedgerRow> PostgresLedger::read(std::int64_t after, std::size_t limit) {
    const Rows rows =
        connection_.exec(kRead, Params::of(after, static_cast<std::int64_t>(limit)));
    std::vector<LedgerRow> result(static_cast<std::size_t>(rows.size()));
    for (int i = 0; i < rows.size(); ++i) {
        LedgerRow& row = result[static_cast<std::size_t>(i)];
        row.seq = rows.int64(i, 0);
        row.event_id = rows.id<EventId>(i, 1);
        if (!rows.is_null(i, 2)) row.order_id = rows.id<OrderId>(i, 2);
        row.topic = rows.text(i, 3);
        row.key = rows.text(i, 4);
        row.type = rows.text(i, 5);
        row.headers = rows.text(i, 6);
        row.data = rows.text(i, 7);
        row.recorded_at = rows.instant(i, 8);
    }
    return result;
}

void PostgresLedger::move_checkpoint(std::int64_t from, std::int64_t to) {
    bool moved = false;
    if (from == to) {
        moved = checkpoint() == from;  // no row version for nothing
    } else {
        moved = connection_.exec(kMoveCheckpoint, Params::of(from, to)).affected() == 1;
    }
    if (!moved) throw std::runtime_error("the checkpoint was moved by somebody else");
}

void PostgresLedger::release() noexcept { connection_.reset(); }

}  // namespace orderflow::messaging
