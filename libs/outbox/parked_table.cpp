#include "outbox/parked_table.hpp"

#include <utility>

#include <rapidjson/document.h>

#include "events/announcements.hpp"
#include "json/json.hpp"
#include "kafka/record.hpp"

namespace orderflow::outbox {
namespace {

using events::HeaderField;
using postgres::Bytes;
using postgres::Column;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

const Statement kClockAndBlocking{"parked_some", R"(
    SELECT clock_timestamp(), EXISTS (SELECT 1 FROM parked WHERE NOT dead AND blocks))"};

const Statement kBlocked{"parked_blocked", R"(
    SELECT DISTINCT key FROM parked
    WHERE sha256(key) = ANY (ARRAY(SELECT sha256(k) FROM unnest($1::bytea[]) AS wanted(k)))
          AND NOT dead AND blocks)"};

// Takes for each key the oldest live record that blocks, so that the key's records are handled in
// their order; or the oldest orphan. Orphans block no other record, because they may wait for it. A
// record that another process has locked is skipped, together with the records behind it; so is a
// record that was handled, until it is removed. No record waits for ten minutes: if one is due
// later, a clock that was ahead has set its time.
const Statement kTakeDue{"parked_take", R"(
    UPDATE parked SET due_at = clock_timestamp() + interval '5 s'
    WHERE id = (
        SELECT id FROM parked p
        WHERE NOT dead AND ($2::text[] = '{}' OR topic = ANY ($2::text[]))
          AND (due_at <= $1::timestamptz OR due_at > $1::timestamptz + interval '10 min')
          AND NOT EXISTS (SELECT 1 FROM parked earlier
                          WHERE sha256(earlier.key) = sha256(p.key) AND NOT earlier.dead
                            AND earlier.id < p.id AND (earlier.blocks OR NOT p.blocks))
        ORDER BY due_at, id LIMIT 1 FOR UPDATE OF p SKIP LOCKED)
    RETURNING id, attempts, order_id, topic, partition, "offset", key, headers, value)"};

const Statement kInsert{"parked_insert", R"(
    INSERT INTO parked (topic, partition, "offset", order_id, ce_id, key, headers, value, attempts,
                        due_at, dead, blocks, error)
    SELECT topic, partition, "offset", order_id, ce_id, key, headers, value, attempts, due_at,
           due_at IS NULL, blocks, error
    FROM unnest($1::text[], $2::int[], $3::bigint[], $4::uuid[], $5::text[], $6::bytea[],
                $7::text[], $8::bytea[], $9::int[], $10::timestamptz[], $11::bool[], $12::text[])
         WITH ORDINALITY
         AS new(topic, partition, "offset", order_id, ce_id, key, headers, value, attempts, due_at,
                blocks, error, nr)
    ORDER BY nr
    ON CONFLICT DO NOTHING
    RETURNING topic, partition, "offset")"};

const Statement kRemove{"parked_remove", "DELETE FROM parked WHERE id = $1::bigint"};

const Statement kUpdate{"parked_update", R"(
    UPDATE parked SET attempts = attempts + 1, due_at = $3::timestamptz,
                      dead = $3::timestamptz IS NULL, error = $4::text
    WHERE id = $1::bigint AND attempts = $2::int AND NOT dead)"};

const Statement kCount{"parked_count", R"(
    SELECT count(*) FILTER (WHERE NOT dead), count(*) FILTER (WHERE dead) FROM parked)"};

// Converts bytes to a text with one character for each byte (U+0100 for a zero), and back. Headers
// may contain any bytes, and a text column accepts neither broken UTF-8 nor U+0000.
std::string to_text(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        const unsigned code = c == 0 ? 0x100 : static_cast<unsigned char>(c);
        if (code < 0x80) {
            text += c;
        } else {
            text += static_cast<char>(0xc0 | (code >> 6));
            text += static_cast<char>(0x80 | (code & 0x3f));
        }
    }
    return text;
}

std::string to_bytes(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto lead = static_cast<unsigned char>(text[i]);
        if (lead < 0x80 || i + 1 == text.size()) {
            bytes += text[i];
        } else {
            const auto low = static_cast<unsigned char>(text[++i]) & 0x3fu;
            bytes += static_cast<char>(((lead & 0x03u) << 6) | low);
        }
    }
    return bytes;
}

std::string headers_json(const kafka::Record& record) {
    std::vector<HeaderField> fields;
    for (const auto& [name, value] : record.headers) {
        fields.push_back({to_text(name), to_text(value)});
    }
    return json::to_json(fields);
}

// The reverse, for a record of any size. The limits of events do not apply, because a row that
// cannot be read would be tried for ever.
std::vector<HeaderField> read_headers(std::string_view json) {
    rapidjson::Document document;
    document.Parse(json.data(), json.size());
    const auto text = [](const rapidjson::Value& value) {
        return to_bytes({value.GetString(), value.GetStringLength()});
    };
    std::vector<HeaderField> fields;
    for (const auto& field : document.GetArray()) {
        fields.push_back({text(field["name"]), text(field["value"])});
    }
    return fields;
}

// The bytes of a record that was read from the table.
struct StoredRecord {
    std::string topic, value;
    std::optional<std::string> key;
    std::vector<HeaderField> headers;
};

kafka::Record read_record(const Rows& rows) {
    auto stored = std::make_shared<StoredRecord>();
    stored->topic = rows.text(0, 3);
    if (!rows.is_null(0, 6)) stored->key.emplace(rows.text(0, 6));
    stored->value = rows.text(0, 8);
    stored->headers = read_headers(rows.text(0, 7));
    kafka::Record record;
    record.topic = stored->topic;
    record.partition = rows.int32(0, 4);
    record.offset = rows.int64(0, 5);
    record.key = stored->key;
    record.value = stored->value;
    for (const HeaderField& header : stored->headers) {
        record.headers.push_back({header.name, header.value});
    }
    record.owner = std::move(stored);
    return record;
}

std::int32_t attempts_of(Parking why) { return why == Parking::behind ? 0 : 1; }

std::optional<Instant> due_at(Parking why, Instant now) {
    switch (why) {
        case Parking::dead: return std::nullopt;
        case Parking::behind: return now;  // as soon as it is the oldest
        case Parking::failed:
        case Parking::orphan: return now + next_try_after(1).value();
    }
    throw std::logic_error("no such parking");
}

struct What {
    std::optional<OrderId> order_id;
    std::int32_t attempts = 0;
    std::optional<Instant> due_at;  // empty: dead
};

Announcement announce_record(const kafka::Record& record, const What& what,
                             const std::string& error, events::Service by, Instant now) {
    Announcement out;
    out.order_id = what.order_id;
    if (what.order_id) {
        out.key = what.order_id->to_string();
    } else if (record.key) {
        out.key = events::printable(*record.key, events::kMaxKeyBytes);
    }
    auto original =
        events::original_message({record.topic, record.partition, record.offset,
                                  record.key.value_or(""), record.headers, record.value});
    const std::string text = events::printable(error, events::kMaxErrorBytes);
    const std::string service(events::names_of(by).name);
    if (what.due_at) {
        out.topic = events::retry_topic_of(record.topic);
        out.type = events::kRecordParkedType;
        events::encode(events::RecordParked{std::move(original), text, what.attempts, now, service,
                                            what.order_id, what.due_at},
                       out.json);
    } else {
        out.topic = events::kDeadLetterTopic;
        out.type = events::kRecordDiedType;
        events::encode(events::RecordDied{std::move(original), text, what.attempts, now, service,
                                          what.order_id},
                       out.json);
    }
    return out;
}

}  // namespace

const Statement& ParkedTable::first_query() const { return kClockAndBlocking; }
bool ParkedTable::some_block(const Rows& answer) const { return answer.boolean(0, 1); }

std::vector<std::string> ParkedTable::blocked(std::span<const std::string_view> keys) {
    Column<Bytes> wanted(keys.size());
    for (const std::string_view key : keys) wanted.push(Bytes{key});
    const Rows rows = connection_.exec(kBlocked, Params::of(wanted));
    std::vector<std::string> blocked;
    for (int i = 0; i < rows.size(); ++i) blocked.emplace_back(rows.text(i, 0));
    return blocked;
}

std::optional<DueRecord> ParkedTable::take_due(Instant now) {
    Column<std::string_view> topics;
    for (const std::string& topic : topics_) topics.push(topic);
    const Rows rows = connection_.exec(kTakeDue, Params::of(now, topics));
    if (rows.size() == 0) return std::nullopt;
    DueRecord due;
    due.id = rows.int64(0, 0);
    due.attempts = rows.int32(0, 1);
    if (!rows.is_null(0, 2)) due.order_id = rows.id<OrderId>(0, 2);
    due.record = read_record(rows);
    return due;
}

std::vector<ParkedRecord> ParkedTable::insert(std::span<const ParkedRecord> records, Instant now) {
    Column<std::string_view> topics, ce_ids, headers, errors;
    Column<std::int32_t> partitions, attempts;
    Column<std::int64_t> offsets;
    Column<OrderId> orders;
    Column<Bytes> keys, values;
    Column<Instant> dues;
    Column<bool> blocks;
    for (const ParkedRecord& parked : records) {
        const kafka::Record& record = *parked.record;
        topics.push(record.topic);
        partitions.push(record.partition);
        offsets.push(record.offset);
        orders.push(parked.order_id);
        const auto ce_id = EventId::parse(record.header("ce_id"));
        ce_ids.push(ce_id ? std::optional<std::string_view>(record.header("ce_id")) : std::nullopt);
        keys.push(record.key ? std::optional(Bytes{*record.key}) : std::nullopt);
        headers.push(headers_json(record));
        values.push(Bytes{record.value});
        attempts.push(attempts_of(parked.why));
        dues.push(due_at(parked.why, now));
        blocks.push(parked.why == Parking::failed || parked.why == Parking::behind);
        errors.push(events::printable(parked.error, events::kMaxErrorBytes));
    }
    const Rows rows =
        connection_.exec(kInsert, Params::of(topics, partitions, offsets, orders, ce_ids, keys,
                                             headers, values, attempts, dues, blocks, errors));
    std::vector<ParkedRecord> inserted;
    for (const ParkedRecord& parked : records) {
        for (int i = 0; i < rows.size(); ++i) {
            if (rows.text(i, 0) == parked.record->topic &&
                rows.int32(i, 1) == parked.record->partition &&
                rows.int64(i, 2) == parked.record->offset) {
                inserted.push_back(parked);
                break;
            }
        }
    }
    return inserted;
}

bool ParkedTable::remove(const DueRecord& due) {
    return connection_.exec(kRemove, Params::of(due.id)).affected() == 1;
}

bool ParkedTable::update(const Retried& retried) {
    const DueRecord& due = *retried.due;
    const auto error = events::printable(retried.error, events::kMaxErrorBytes);
    return connection_.exec(kUpdate, Params::of(due.id, due.attempts, retried.due_at, error))
               .affected() == 1;
}

ParkedTable::Count ParkedTable::count() {
    const Rows rows = connection_.exec(kCount);
    return {rows.int64(0, 0), rows.int64(0, 1)};
}

Announcement announce(const ParkedRecord& parked, events::Service by, Instant now) {
    return announce_record(*parked.record,
                           {parked.order_id, attempts_of(parked.why), due_at(parked.why, now)},
                           parked.error, by, now);
}

Announcement announce(const Retried& failed, events::Service by, Instant now) {
    const DueRecord& due = *failed.due;
    return announce_record(due.record, {due.order_id, due.attempts + 1, failed.due_at},
                           failed.error, by, now);
}

}  // namespace orderflow::outbox
