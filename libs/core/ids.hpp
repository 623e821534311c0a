#pragma once
// Identifiers: 128-bit UUIDs in distinct types, so that an event id is never taken for an order id.
// Pure values, any thread. New ids are UUIDv7 (RFC 9562): they sort by creation time, which keeps
// primary-key inserts at the right edge of their index and lets a time be turned into a key range.
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

// The smallest id of the millisecond of `instant`: every UUIDv7 made from then on is greater.
OrderId first_order_id(Instant instant);

// A source of UUIDv7 values: 48 bits of milliseconds, then 74 random bits. Whoever knows an order's
// id reads the order, so the bits come from the operating system's generator and no id tells
// anything of another; ids of one millisecond are in no order. Not thread-safe: each loop owns one.
class IdSource {
public:
    IdSource() = default;
    // For the simulator, which reproduces a run, and for tests: a small generator that repeats
    // itself, and that a few of its ids give away.
    explicit IdSource(std::uint64_t seed);

    template <class T>
    T next(Instant now) {
        T id;
        fill(now, id.bytes);
        return id;
    }

private:
    static constexpr std::size_t kIdBytes = 10;                // random ones of an id
    static constexpr std::size_t kPoolBytes = 409 * kIdBytes;  // of one system call
    // Bytes that nobody has had yet. Not copied with a source: no two may hand out the same.
    struct Pool {
        std::array<std::uint8_t, kPoolBytes> bytes;
        std::size_t used = kPoolBytes;
    };

    void fill(Instant now, std::array<std::uint8_t, 16>& bytes);
    void draw(std::uint8_t* out);
    std::uint64_t seeded();

    std::optional<std::array<std::uint64_t, 2>> state_;  // nothing: not seeded
    std::unique_ptr<Pool> pool_;                         // made with the first id
};

}  // namespace orderflow

template <class Tag>
struct std::hash<orderflow::Id<Tag>> {
    std::size_t operator()(const orderflow::Id<Tag>& id) const noexcept {
        // The last eight bytes of a UUIDv7 are random: they are a hash already.
        std::size_t value = 0;
        std::memcpy(&value, id.bytes.data() + 8, sizeof value);
        return value;
    }
};
