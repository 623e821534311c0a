#include "messaging/outbox.hpp"

#include <stdexcept>

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
// the lock is held.
const Statement kAppend{"append", R"(
    WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock($1::bigint))
    INSERT INTO outbox (event_id, order_id, topic, key, type, headers, data, recorded_at)
    SELECT event_id, order_id, $2::text, key, type, headers, data, clock_timestamp()
    FROM held, unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[])
         AS new(event_id, order_id, key, type, headers, data))"};

const Statement kPark{"park", R"(
    INSERT INTO parked (topic, partition, "offset", order_id, ce_id, key, headers, value, dead,
                        error)
    SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::uuid[], $5::text[], $6::bytea[],
                         $7::text[], $8::bytea[], $9::bool[], $10::text[])
    ON CONFLICT DO NOTHING)"};

const Statement kLead{"relay_lead", "SELECT pg_try_advisory_lock($1::bigint)"};
const Statement kIdle{"relay_idle", "SET idle_session_timeout = '3s'"};
const Statement kCheckpoint{"relay_checkpoint", "SELECT seq FROM relay_checkpoint"};
const Statement kSaveCheckpoint{
    "relay_save", "UPDATE relay_checkpoint SET seq = $1::bigint WHERE seq < $1::bigint"};
const Statement kRead{"relay_read", R"(
    SELECT seq, event_id, order_id, topic, key, type, headers, data, recorded_at
    FROM outbox WHERE seq > $1::bigint ORDER BY seq LIMIT $2::bigint)"};

// PostgreSQL's text wants valid UTF-8 without U+0000; headers come from anywhere.
void append_json_string(std::string& out, std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            out += "\\u00";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        } else {
            out += c;
        }
    }
    out += '"';
}

std::string headers_json(const Record& record) {
    std::string out = "{";
    for (const auto& [name, value] : record.headers) {
        if (out.size() > 1) out += ',';
        append_json_string(out, name);
        out += ':';
        append_json_string(out, value);
    }
    out += '}';
    return out;
}

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
    : connection_(connection), producer_(producer), bell_(bell) {}

Instant PostgresUnitOfWork::begin() {
    appended_ = false;
    transaction_.emplace(connection_);
    return transaction_->now();
}

void PostgresUnitOfWork::park(std::span<const ParkedRecord> records) {
    Column<std::string_view> topics, ce_ids, headers, errors;
    Column<std::int32_t> partitions;
    Column<std::int64_t> offsets;
    Column<OrderId> orders;
    Column<Bytes> keys, values;
    Column<bool> dead;
    for (const ParkedRecord& parked : records) {
        const Record& record = *parked.record;
        topics.push(record.topic);
        partitions.push(record.partition);
        offsets.push(record.offset);
        orders.push(parked.order_id);
        const auto ce_id = EventId::parse(record.header("ce_id"));
        ce_ids.push(ce_id ? std::optional<std::string_view>(record.header("ce_id")) : std::nullopt);
        keys.push(Bytes{record.key});
        headers.push(headers_json(record));
        values.push(Bytes{record.value});
        dead.push(parked.dead);
        errors.push(parked.error);
    }
    connection_.exec(kPark, Params::of(topics, partitions, offsets, orders, ce_ids, keys, headers,
                                       values, dead, errors));
}

void PostgresUnitOfWork::append(std::span<const OutgoingEvent> events) {
    Column<EventId> ids(events.size());
    Column<OrderId> orders(events.size());
    Column<std::string_view> keys, types, headers, data;
    std::string json;
    const Instant now = transaction_->now();
    for (const OutgoingEvent& event : events) {
        json.clear();
        events::encode(event.data, json);
        if (json.size() > kMaxEventBytes) throw std::length_error("event above 256 KiB");
        const OrderId* order = events::order_of(event.data);
        ids.push(ids_.next<EventId>(now));
        orders.push(order ? std::optional(*order) : std::nullopt);
        keys.push(order ? order->to_string()
                        : std::get<events::StockAdjusted>(event.data).product_id);
        types.push(events::type_name(events::kind_of(event.data)));
        data.push(json);
        headers.push(event.traceparent.empty()
                         ? std::string("{}")
                         : "{\"traceparent\":\"" + event.traceparent + "\"}");
    }
    connection_.exec(kAppend, Params::of(kOutboxLock, events::topic_of(producer_), ids, orders,
                                         keys, types, headers, data));
    appended_ = true;
}

void PostgresUnitOfWork::commit() {
    transaction_->commit();
    transaction_.reset();
    if (appended_) bell_.ring();
}

void PostgresUnitOfWork::rollback() noexcept { transaction_.reset(); }

PostgresLedger::PostgresLedger(std::string database_url) : connection_(std::move(database_url)) {}

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

void PostgresLedger::save_checkpoint(std::int64_t seq) {
    connection_.exec(kSaveCheckpoint, Params::of(seq));
}

void PostgresLedger::release() noexcept { connection_.reset(); }

}  // namespace orderflow::messaging
