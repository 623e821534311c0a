#pragma once
// Money: an integer in the currency's minor unit and an ISO 4217 code; never floating point.
// KRW has no minor unit, so 1500 KRW is 1500 won. Pure values, any thread.
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orderflow {

struct Currency {
    std::array<char, 3> code{'K', 'R', 'W'};

    auto operator<=>(const Currency&) const = default;
    std::string_view text() const { return {code.data(), code.size()}; }

    // Accepts any three capital letters. The shop is responsible for using codes of ISO 4217.
    static constexpr std::optional<Currency> parse(std::string_view text) {
        if (text.size() != 3) return std::nullopt;
        Currency currency;
        for (std::size_t i = 0; i < 3; ++i) {
            if (text[i] < 'A' || text[i] > 'Z') return std::nullopt;
            currency.code[i] = text[i];
        }
        return currency;
    }
};

struct Money {
    std::int64_t amount = 0;  // minor units
    Currency currency{};

    auto operator<=>(const Money&) const = default;
};

}  // namespace orderflow
