#pragma once
// Encodes events as JSON and decodes them. `decode` is strict: it checks types, ranges and required
// members; it ignores unknown members. Used by the outbox (encode) and the batch consumer (decode);
// any thread.
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "events/catalog.hpp"
#include "events/events.hpp"

namespace orderflow::events {

// Appends the JSON data of an event to `out`.
void encode(const Event& event, std::string& out);

// Reads the JSON data of an event of `kind`. The error's code is one of json-syntax, json-limits,
// json-duplicate-key, json-number, validation; its pointer names the value.
Result<Event> decode(EventKind kind, std::string_view json);

// The same for the order block alone, as the stores keep it.
void encode(const Order& order, std::string& out);
Result<Order> decode_order(std::string_view json);

// "/items/0/price must be an integer"; only the detail if the error has no place in the document.
std::string place_and_detail(const Error& error);

// The id of the order that the event belongs to; nullptr: it belongs to none. StockAdjusted, for
// example, belongs to a product.
const OrderId* order_of(const Event& event);

// The record key of an event, by the catalog's rule; empty: its records have no key.
std::optional<std::string> key_of(const Event& event);

}  // namespace orderflow::events
