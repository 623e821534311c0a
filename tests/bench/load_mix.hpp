// What kind of order comes next: in a mixed load a tenth of the orders fails, of all kinds evenly,
// and some charges are answered too late. bench-load only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace orderflow::bench {

enum class Mix : std::uint8_t { Clean, Mixed };

enum class OrderKind : std::uint8_t {
    Clean,
    LateCharge,  // charged at once, but the gateway answers far too late: completed by a retry
    SoldOut,
    UnknownProduct,
    PriceMismatch,
    Declined,
    UnknownToken,
    CarrierRefused,
    StorageFull,
    Cancelled,  // by the customer, right after the 202
};

std::string_view name_of(OrderKind kind);

// The kind of the order with this number, 0, 1, 2, ...: the same ones in every run.
OrderKind kind_of(Mix mix, std::uint64_t number);

// A product that tests/bench/mix.py puts into the catalogue without a piece, and one that nobody
// puts there: the line such an order consists of, if its kind has one.
std::optional<std::string_view> line_of(OrderKind kind);

// What follows the lines in the order's JSON.
std::string_view tail_of(OrderKind kind);

}  // namespace orderflow::bench
