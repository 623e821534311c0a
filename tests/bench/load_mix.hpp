#pragma once
// Chooses the kind of the next order: in a mixed load a tenth of the orders fails, in all ways
// equally often, and some charges are answered too late. Used by bench-load only, on its one
// thread.

#include <cstdint>
#include <optional>
#include <string_view>

namespace orderflow::bench {

enum class Mix : std::uint8_t { Clean, Mixed };

enum class OrderKind : std::uint8_t {
    Clean,
    LateCharge,  // charged at once; the gateway answers far too late: a retry completes the order
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

// Returns the kind of the order with this number, 0, 1, 2, ...: the same kinds in every run.
OrderKind kind_of(Mix mix, std::uint64_t number);

// Returns the line that an order of this kind consists of, if the kind has one: a product that
// tests/bench/mix.py adds to the catalogue without any stock, or a product that is never added.
std::optional<std::string_view> line_of(OrderKind kind);

// Returns the text after the lines in the order's JSON.
std::string_view tail_of(OrderKind kind);

}  // namespace orderflow::bench
