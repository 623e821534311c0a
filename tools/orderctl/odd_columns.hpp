#pragma once
// Reads columns that may contain an unknown value, for example a state that does not exist. Such a
// value is recorded in Facts::odd_values, and the ledger's value is used, so that one odd row does
// not end a check. Used by facts_databases.cpp. One thread.
#include <optional>
#include <string>
#include <utility>

#include "core/enums.hpp"
#include "orderctl/facts.hpp"
#include "postgres/connection.hpp"

namespace orderflow::orderctl {

struct OddColumns {
    Facts& facts;
    const postgres::Rows& rows;
    int row;
    Service service;
    std::uint32_t order = kNone;
    std::uint32_t product = kNone;

    template <class Enum>
    Enum value(const char* field, int column, const std::optional<Enum>& ledger) const {
        const auto known = parse_enum<Enum>(rows.text(row, column));
        if (!known) note(field, ledger ? std::string(name_of(*ledger)) : "no row", column);
        return known ? *known : ledger.value_or(Enum{});
    }
    template <class Enum>
    std::optional<Enum> optional(const char* field, int column,
                                 const std::optional<Enum>& ledger) const {
        if (rows.is_null(row, column)) return std::nullopt;
        const auto known = parse_enum<Enum>(rows.text(row, column));
        if (!known) note(field, ledger ? std::string(name_of(*ledger)) : "none", column);
        return known ? known : ledger;
    }
    // Reads an amount, and its currency from the next column.
    Money money(int column, const std::optional<Money>& ledger) const {
        const auto known = Currency::parse(rows.text(row, column + 1));
        const Currency otherwise = ledger ? ledger->currency : Currency{};
        if (!known) {
            note("currency", ledger ? std::string(otherwise.text()) : "none", column + 1);
        }
        return {rows.int64(row, column), known.value_or(otherwise)};
    }

private:
    template <class Enum>
    static std::optional<Enum> parse_enum(std::string_view text) {
        Enum value{};
        const bool known = boost::describe::enum_from_string(std::string(text).c_str(), value);
        return known ? std::optional(value) : std::nullopt;
    }
    void note(const char* field, std::string ledger, int column) const {
        facts.odd_values.push_back({service, order, product, field, std::move(ledger),
                                    "'" + std::string(rows.text(row, column)) + "'"});
    }
};

// Returns a member of the row that was folded from the ledger, if there is such a row.
template <class Row, class Value>
std::optional<Value> said(const std::optional<Row>& ledger, Value Row::* member) {
    return ledger ? std::optional<Value>((*ledger).*member) : std::nullopt;
}
template <class Row, class Value>
std::optional<Value> said(const std::optional<Row>& ledger, std::optional<Value> Row::* member) {
    return ledger ? (*ledger).*member : std::nullopt;
}

}  // namespace orderflow::orderctl
