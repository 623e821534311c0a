#pragma once
// The orders table as the API reads it: one order, or a page of them. Used by the routes, on a
// thread of the database pool, outside a transaction. Failures of the database are DatabaseError.
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "order/saga/saga.hpp"
#include "postgres/connection.hpp"

namespace orderflow::order {

// One order as the API shows it; nullopt if there is none.
struct StoredOrder {
    Saga saga;
    std::string body;  // the order block, JSON
};
std::optional<StoredOrder> find_order(postgres::Connection& connection, const OrderId& id);

// A page of orders, newest first.
struct OrderFilter {
    std::optional<std::string> customer_id;
    std::optional<State> state;
    OrderId before;  // only those that were placed before this one
    std::size_t limit = 20;
};
struct OrderSummary {
    OrderId id;
    State state = State::PROCESSING;
    std::optional<events::Reason> reason;
    std::string customer_id;
    Money total;
    Instant placed_at{};
    std::optional<Instant> finished_at;
};
struct OrderPage {
    std::vector<OrderSummary> orders;
    std::optional<OrderId> next;  // the cursor of the next page; empty: there are no more
};
// Reads a bounded number of rows: a page may have fewer orders than the limit and still have a next
// page.
OrderPage list_orders(postgres::Connection& connection, const OrderFilter& filter);

}  // namespace orderflow::order
