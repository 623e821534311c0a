#include "outbox/postgres_unit_of_work.hpp"

#include <stdexcept>

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

// An advisory lock of the service's database, held by append() until the commit.
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
    ORDER BY place)"};

}  // namespace

PostgresUnitOfWork::PostgresUnitOfWork(postgres::Connection& connection, events::Service producer,
                                       WakeUp& relay_wake_up)
    : connection_(connection),
      producer_(producer),
      relay_wake_up_(relay_wake_up),
      parked_(connection) {}

Instant PostgresUnitOfWork::begin() {
    appended_ = false;
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
                         const std::optional<std::string>& key, std::string_view type,
                         std::string_view json) {
        if (json.size() > kMaxEventBytes) throw std::length_error("event above 256 KiB");
        ids.push(ids_.next<EventId>(transaction_->now()));
        orders.push(order);
        topics.push(topic);
        keys.push(key ? std::optional<std::string_view>(*key) : std::nullopt);
        types.push(type);
        data.push(json);
    };
    std::string json;
    for (const OutgoingEvent& event : events) {
        json.clear();
        events::encode(event.data, json);
        const OrderId* order = events::order_of(event.data);
        const auto kind = events::kind_of(event.data);
        const auto key = events::key_of(event.data);
        add(order ? std::optional(*order) : std::nullopt, events::topic_of(kind, producer_), key,
            events::type_name(kind), json);
        headers.push(event.traceparent.empty() ? std::string("{}")
                                               : "{\"traceparent\":\"" + event.traceparent + "\"}");
    }
    for (const Announcement& announcement : announcements_) {
        add(announcement.order_id, announcement.topic, announcement.key, announcement.type,
            announcement.json);
        headers.push("{}");
    }
    connection_.exec(kAppend,
                     Params::of(kOutboxLock, ids, orders, topics, keys, types, headers, data));
    appended_ = true;
}

void PostgresUnitOfWork::commit() {
    transaction_->commit();
    transaction_.reset();
    if (appended_) relay_wake_up_.signal();
    log_failures();
}

void PostgresUnitOfWork::log_failures() {
    for (const auto& [died, text] : failures_.take(FailureLog::Clock::now())) {
        spdlog::log(died ? spdlog::level::err : spdlog::level::warn, "{}", text);
    }
}

void PostgresUnitOfWork::rollback() noexcept { transaction_.reset(); }

}  // namespace orderflow::outbox
