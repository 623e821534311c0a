#pragma once
// Identifiers: 128-bit UUIDs in distinct types, so that no code can use an event id as an order id.
// Pure values, any thread. New ids are UUIDv7 (RFC 9562), which sort by creation time. So inserts
// go to the right edge of the primary key's index, and a range of times can be turned into a range
// of keys.
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"

namespace orderflow {

template <class Tag>
struct Id {
    std::array<std::uint8_t, 16> bytes{};

    auto operator<=>(const Id&) const = default;

    // Canonical lower-case text, 36 characters.
    std::string to_string() const;
    void append_to(std::string& out) const;

    // Accepts exactly the canonical lower-case form; anything else is nullopt.
    static std::optional<Id> parse(std::string_view text);
};

using OrderId = Id<struct OrderTag>;
using EventId = Id<struct EventTag>;
using ShipmentId = Id<struct ShipmentTag>;

namespace detail {
void write_uuid(const std::array<std::uint8_t, 16>& bytes, char* out);
bool read_uuid(std::string_view text, std::array<std::uint8_t, 16>& bytes);
}  // namespace detail

template <class Tag>
std::string Id<Tag>::to_string() const {
    std::string text(36, '\0');
    detail::write_uuid(bytes, text.data());
    return text;
}

template <class Tag>
void Id<Tag>::append_to(std::string& out) const {
    out.resize(out.size() + 36);
    detail::write_uuid(bytes, out.data() + out.size() - 36);
}

template <class Tag>
std::optional<Id<Tag>> Id<Tag>::parse(std::string_view text) {
    Id id;
    if (!detail::read_uuid(text, id.bytes)) return std::nullopt;
    return id;
}

// The smallest id of the millisecond of `instant`: every UUIDv7 that is created from then on is
// greater.
OrderId first_order_id(Instant instant);

// A source of UUIDv7 values: 48 bits of milliseconds, then 74 random bits. A client that knows the
// id of an order can read the order. So the bits come from the generator of the operating system,
// and no id reveals anything about another one. Ids of the same millisecond are in no particular
// order. Not thread-safe: each loop owns one.
class IdSource {
public:
    IdSource() = default;
    // For the simulator, which reproduces a run, and for tests: a small generator. The same seed
    // gives the same ids, and a few of its ids are enough to compute the others.
    explicit IdSource(std::uint64_t seed);

    template <class T>
    T next(Instant now) {
        T id;
        fill(now, id.bytes);
        return id;
    }

private:
    static constexpr std::size_t kIdBytes = 10;                // random bytes in an id
    static constexpr std::size_t kPoolBytes = 409 * kIdBytes;  // bytes per system call
    // Random bytes that no id has used yet. A source cannot be copied, because a copy would use the
    // same bytes again.
    struct Pool {
        std::array<std::uint8_t, kPoolBytes> bytes;
        std::size_t used = kPoolBytes;
    };

    void fill(Instant now, std::array<std::uint8_t, 16>& bytes);
    void draw(std::uint8_t* out);
    std::uint64_t seeded();

    std::optional<std::array<std::uint64_t, 2>> state_;  // empty: not seeded
    std::unique_ptr<Pool> pool_;                         // created with the first id
};

}  // namespace orderflow

template <class Tag>
struct std::hash<orderflow::Id<Tag>> {
    std::size_t operator()(const orderflow::Id<Tag>& id) const noexcept {
        // The last eight bytes of a UUIDv7 are random, so they already are a hash.
        std::size_t value = 0;
        std::memcpy(&value, id.bytes.data() + 8, sizeof value);
        return value;
    }
};
