#pragma once
// Orders as GET shows them.
#include <string>

#include "order/saga/orders_store.hpp"

namespace orderflow::order {

// The body of GET /api/orders/{id}: the order's state, its steps, and the services that it waits
// for.
std::string to_json(const OrderId& id, const StoredOrder& stored);

// The body of GET /api/orders.
std::string to_json(const OrderPage& page);

}  // namespace orderflow::order
