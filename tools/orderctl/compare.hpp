#pragma once
// Shared by compare*.cpp: values as text, and the two sides of a comparison. Pure.
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/enums.hpp"
#include "orderctl/fold.hpp"

namespace orderflow::orderctl {

inline constexpr const char* kNoRow = "no row";

template <class T>
    requires std::is_integral_v<T>
std::string text(T value) {
    if constexpr (std::is_same_v<T, bool>) return value ? "true" : "false";
    return std::to_string(value);
}
inline std::string text(const Money& money) {
    return text(money.amount) + " " + std::string(money.currency.text());
}
template <class Enum>
    requires std::is_enum_v<Enum>
std::string text(Enum value) {
    return std::string(name_of(value));
}
template <class Tag>
std::string text(const Id<Tag>& id) {
    return id.to_string();
}
template <class T>
std::string text(const std::optional<T>& value) {
    return value ? text(*value) : "none";
}
// Only the digests of texts are compared; the rows themselves are printed with a violation.
inline std::string text_of_digest(Digest value) {
    if (value == 0) return "none";
    static constexpr char kHex[] = "0123456789abcdef";
    std::string out = "text #";
    for (int shift = 28; shift >= 0; shift -= 4) out += kHex[(value >> shift) & 15];
    return out;
}
// One service's rows of one order or product; records every difference.
struct Sides {
    std::vector<Difference>& out;
    Service service;
    std::uint32_t order = kNone;
    std::uint32_t product = kNone;

    void differ(const char* field, std::string ledger, std::string table) const {
        out.push_back({service, order, product, field, std::move(ledger), std::move(table)});
    }
    template <class T>
    void same(const char* field, const T& ledger, const T& table) const {
        if (!(ledger == table)) differ(field, text(ledger), text(table));
    }
    void same_text(const char* field, Digest ledger, Digest table) const {
        if (ledger != table) differ(field, text_of_digest(ledger), text_of_digest(table));
    }
    // Returns true if both rows exist, so that they can be compared.
    template <class Row>
    bool both(const std::optional<Row>& ledger, const std::optional<Row>& table) const {
        if (ledger && table) return true;
        if (ledger) differ("row", text(ledger->state), kNoRow);
        if (table) differ("row", kNoRow, text(table->state));
        return false;
    }
};

// Compares one order across services, as far as consumers have handled its events
// (compare_across.cpp).
void compare_across(std::vector<Difference>& out, const Facts& facts, std::uint32_t index,
                    std::span<const std::uint32_t> events);

}  // namespace orderflow::orderctl
