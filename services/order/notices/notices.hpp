#pragma once
// The notifications of an order for clients: one numbered frame for each step. Frames are a
// function of the order's row (its history), so they are the same in every process, at once or
// after a reconnect, and agree with GET. Pure; any thread.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "order/saga/saga.hpp"

namespace orderflow::order {

// Distinguishes numberings: an order whose row was lost and recreated counts from 1 again.
std::string epoch_of(const Saga& saga);

// The frames with seq > since, JSON, oldest first. `seq` counts an order's history from 1.
std::vector<std::string> frames(const OrderId& id, const Saga& saga, std::int64_t since);

// The topic of an order's frames, and back; nullopt for any other text.
std::string topic_of(const OrderId& id);
std::optional<OrderId> order_of_topic(std::string_view topic);

}  // namespace orderflow::order
