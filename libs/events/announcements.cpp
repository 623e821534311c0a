#include "events/announcements.hpp"

#include "json/json.hpp"

namespace orderflow::events {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// The size in bytes of the valid character at the start of `text` (RFC 3629: no overlong form, no
// surrogate, nothing above U+10FFFF); 0 if there is none. `text` is not empty.
std::size_t character_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    std::size_t length = 0;
    unsigned char low = 0x80, high = 0xbf;  // of the second byte
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        if (first == 0xe0) low = 0xa0;
        if (first == 0xed) high = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        if (first == 0xf0) low = 0x90;
        if (first == 0xf4) high = 0x8f;
    }
    if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
    }
    return length;
}

bool is_text(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t length = character_length(bytes);
        if (length == 0 || bytes.front() == '\0') return false;
        bytes.remove_prefix(length);
    }
    return true;
}

// How many bytes the JSON writer writes for a character of `length` bytes that begins with `first`.
std::size_t json_length(char first, std::size_t length) {
    switch (first) {
        case '"':
        case '\\':
        case '\b':
        case '\t':
        case '\n':
        case '\f':
        case '\r': return 2;
        default: return static_cast<unsigned char>(first) < 0x20 ? 6 : length;
    }
}

// The longest beginning of `text` that stays within the bounds of a value. `text` is valid UTF-8.
std::string_view cut_value(std::string_view text) {
    std::size_t end = 0, json = 0;
    while (end < text.size()) {
        const std::size_t length = character_length(text.substr(end));
        json += json_length(text[end], length);
        if (end + length > kMaxValueBytes || json > kMaxValueJsonBytes) break;
        end += length;
    }
    return text.substr(0, end);
}

// RFC 4648, with padding.
std::string base64(std::string_view bytes) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view group = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0u);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            out += i <= group.size() ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
        }
    }
    return out;
}

// Appends the text that `printable` returns; false if it was cut.
bool append_printable(std::string_view bytes, std::size_t max_bytes, std::string& out) {
    const std::size_t start = out.size();
    while (!bytes.empty()) {
        const std::size_t length = character_length(bytes);
        const bool good = length > 0 && bytes.front() != '\0';
        const std::string_view character = good ? bytes.substr(0, length) : kReplacement;
        if (out.size() - start + character.size() > max_bytes) return false;
        out += character;
        bytes.remove_prefix(good ? length : 1);
    }
    return true;
}

// False if not all headers fit.
bool append_headers(const RawRecord& record, std::vector<HeaderField>& out) {
    std::size_t left = kMaxHeaderBytes;
    for (const auto& [name, value] : record.headers) {
        if (out.size() == kMaxHeaderFields || left == 0) return false;
        HeaderField field;
        bool whole = append_printable(name, left, field.name);
        left -= field.name.size();
        whole = whole && append_printable(value, left, field.value);
        left -= field.value.size();
        out.push_back(std::move(field));
        if (!whole) return false;
    }
    return true;
}

}  // namespace

std::string retry_topic_of(std::string_view topic) { return std::string(topic) + ".retry"; }

OriginalMessage original_message(const RawRecord& record) {
    OriginalMessage message;
    message.topic = record.topic;
    message.partition = record.partition;
    message.offset = record.offset;
    const bool whole_key = append_printable(record.key, kMaxKeyBytes, message.key);
    const bool whole_headers = append_headers(record, message.headers);
    std::string_view shown;
    if (is_text(record.value)) {
        shown = cut_value(record.value);
        message.value = shown;
    } else {
        shown = record.value.substr(0, kMaxValueBytes / 4 * 3);
        message.value = base64(shown);
        message.encoding = kBase64;
    }
    message.truncated = !whole_key || !whole_headers || shown.size() < record.value.size();
    return message;
}

std::string printable(std::string_view bytes, std::size_t max_bytes) {
    std::string out;
    append_printable(bytes, max_bytes, out);
    return out;
}

void encode(const RecordParked& parked, std::string& out) { json::write_json(parked, out); }
void encode(const RecordDied& died, std::string& out) { json::write_json(died, out); }

Result<RecordParked> decode_record_parked(std::string_view json) {
    return json::read_json<RecordParked>(json, json::UnknownMembers::ignore);
}

Result<RecordDied> decode_record_died(std::string_view json) {
    return json::read_json<RecordDied>(json, json::UnknownMembers::ignore);
}

}  // namespace orderflow::events
