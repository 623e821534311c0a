#pragma once
// Identifiers: 128-bit UUIDs in distinct types, so that an event id is never taken for an order id.
// Pure values, any thread. New ids are UUIDv7 (RFC 9562): they sort by creation time, which keeps
// primary-key inserts at the right edge of their index and lets a time be turned into a key range.
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
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

// A source of UUIDv7 values: 48 bits of milliseconds, then 74 random bits. Seedable, so that the
// simulator reproduces a run. Not thread-safe: each loop owns one.
class IdSource {
public:
    IdSource();  // seeded from the operating system
    explicit IdSource(std::uint64_t seed);

    template <class T>
    T next(Instant now) {
        T id;
        fill(now, id.bytes);
        return id;
    }

private:
    void fill(Instant now, std::array<std::uint8_t, 16>& bytes);
    std::uint64_t random();

    std::array<std::uint64_t, 2> state_{};
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
