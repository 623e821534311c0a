#pragma once
// Announcements: the events that report a record that a service could not handle. The service sends
// RecordParked.v1 to <topic>.retry when it parks a record, and RecordDied.v1 to the dead-letter
// queue when it gives a record up. Announcements are for people and their tools. No service
// consumes them, so they are not alternatives of `Event`. The batch consumer creates them; it keeps
// the whole record in its table `parked`. Pure values, any thread.
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

// The topic that announces the parked records of `topic`: "order-events.retry" for "order-events".
std::string retry_topic_of(std::string_view topic);

// How much of a record is announced, in bytes of UTF-8. Escapes can make a text in JSON up to six
// times as long. So the value has a second bound, for its JSON form: a whole announcement stays
// below 256 KiB.
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
    std::string key;  // also empty if the record has no key
    std::vector<HeaderField> headers;
    std::string value;
    std::string encoding{kUtf8};  // how `value` is encoded
    bool truncated = false;       // key, headers or value are not complete
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
    std::optional<Instant> due_at;  // next attempt; empty: it waits behind another record
    bool operator==(const RecordParked&) const = default;
};
BOOST_DESCRIBE_STRUCT(RecordParked, (),
                      (original_message, error, attempts, timestamp, service, order_id, due_at))

struct RecordDied {
    OriginalMessage original_message;
    std::string error;
    std::int64_t attempts = 0;
    Instant timestamp{};  // when the service gave it up
    std::string service;
    std::optional<OrderId> order_id;
    bool operator==(const RecordDied&) const = default;
};
BOOST_DESCRIBE_STRUCT(RecordDied, (),
                      (original_message, error, attempts, timestamp, service, order_id))

// A record as it came from Kafka; its texts may hold any bytes.
struct RawRecord {
    std::string_view topic;
    std::int64_t partition = 0;
    std::int64_t offset = 0;
    std::string_view key;
    std::span<const std::pair<std::string_view, std::string_view>> headers;
    std::string_view value;
};

// The record as it is announced: within the bounds above, and valid UTF-8 without U+0000. A value
// that is such a text stays text; any other value is encoded in base64. Key and headers go through
// `printable`.
OriginalMessage original_message(const RawRecord& record);

// Replaces each byte that is not part of valid UTF-8, and each NUL, by U+FFFD, and cuts the text to
// at most `max_bytes`, never inside a character. Used for `error` and the record key.
std::string printable(std::string_view bytes, std::size_t max_bytes);

// The same functions as for events (events/codec.hpp).
void encode(const RecordParked& parked, std::string& out);
void encode(const RecordDied& died, std::string& out);
Result<RecordParked> decode_record_parked(std::string_view json);
Result<RecordDied> decode_record_died(std::string_view json);

}  // namespace orderflow::events

#include "events/limits.hpp"  // a file that includes the structs must also see their bounds
