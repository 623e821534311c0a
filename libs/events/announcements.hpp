#pragma once
// What a service says about a record that it could not handle: RecordParked.v1 on <topic>.retry
// when it lays one aside, RecordDied.v1 on the dead-letter queue when it gives one up. For people
// and their tools; no service consumes them, so they are not alternatives of `Event`. Made by the
// batch consumer, which keeps the whole record in its table `parked`. Pure values, any thread.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/describe.hpp>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace orderflow::events {

inline constexpr std::string_view kRecordParkedType = "RecordParked.v1";
inline constexpr std::string_view kRecordDiedType = "RecordDied.v1";
inline constexpr std::string_view kDeadLetterTopic = "dead-letter-queue";

// "order-events.retry", where a record of "order-events" is announced when it is parked.
std::string retry_topic_of(std::string_view topic);

// How much of a record is announced, in bytes of UTF-8. A text may grow in JSON by its escapes, up
// to six-fold, so the value has a bound for that too: the whole stays below 256 KiB.
inline constexpr std::size_t kMaxValueBytes = 64 * 1024;
inline constexpr std::size_t kMaxValueJsonBytes = 128 * 1024;
inline constexpr std::size_t kMaxHeaderFields = 64;
inline constexpr std::size_t kMaxHeaderBytes = 8 * 1024;  // names and values together
inline constexpr std::size_t kMaxKeyBytes = 1024;
inline constexpr std::size_t kMaxErrorBytes = 4 * 1024;

inline constexpr std::string_view kUtf8 = "utf-8";
inline constexpr std::string_view kBase64 = "base64";
inline constexpr std::array<std::string_view, 2> kEncodings{kUtf8, kBase64};

struct HeaderField {
    std::string name;
    std::string value;
    bool operator==(const HeaderField&) const = default;
};
BOOST_DESCRIBE_STRUCT(HeaderField, (), (name, value))

struct OriginalMessage {
    std::string topic;
    std::int64_t partition = 0;
    std::int64_t offset = 0;
    std::string key;  // empty as well when the record has none
    std::vector<HeaderField> headers;
    std::string value;
    std::string encoding{kUtf8};  // of the value
    bool truncated = false;       // key, headers or value are not all that the record has
    bool operator==(const OriginalMessage&) const = default;
};
BOOST_DESCRIBE_STRUCT(OriginalMessage, (),
                      (topic, partition, offset, key, headers, value, encoding, truncated))

struct RecordParked {
    OriginalMessage original_message;
    std::string error;
    std::int64_t attempts = 0;  // so far
    Instant timestamp{};        // when it was parked
    std::string service;        // order-service
    std::optional<OrderId> order_id;
    std::optional<Instant> due_at;  // the next attempt, unless it waits behind another record
    bool operator==(const RecordParked&) const = default;
};
BOOST_DESCRIBE_STRUCT(RecordParked, (),
                      (original_message, error, attempts, timestamp, service, order_id, due_at))

struct RecordDied {
    OriginalMessage original_message;
    std::string error;
    std::int64_t attempts = 0;
    Instant timestamp{};  // when it was given up
    std::string service;
    std::optional<OrderId> order_id;
    bool operator==(const RecordDied&) const = default;
};
BOOST_DESCRIBE_STRUCT(RecordDied, (),
                      (original_message, error, attempts, timestamp, service, order_id))

// A record as it came, any bytes.
struct RawRecord {
    std::string_view topic;
    std::int64_t partition = 0;
    std::int64_t offset = 0;
    std::string_view key;
    std::span<const std::pair<std::string_view, std::string_view>> headers;
    std::string_view value;
};

// The record as announced: within the bounds above, valid UTF-8 without U+0000. A value that is
// such text stays text, any other is base64; key and headers go through `printable`.
OriginalMessage original_message(const RawRecord& record);

// The text with U+FFFD for each byte that is not part of valid UTF-8 and for each NUL, cut to at
// most `max_bytes` at the edge of a character. For `error` and the record key.
std::string printable(std::string_view bytes, std::size_t max_bytes);

// As for events (events/codec.hpp).
void encode(const RecordParked& parked, std::string& out);
void encode(const RecordDied& died, std::string& out);
Result<RecordParked> decode_record_parked(std::string_view json);
Result<RecordDied> decode_record_died(std::string_view json);

}  // namespace orderflow::events

#include "events/limits.hpp"  // whoever sees the structs sees their bounds
