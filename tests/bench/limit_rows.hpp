#pragma once
// Writes the rows that one order causes in each service, in sets as the services' stores send them,
// and its events. The statements belong to this program: the services, whose limit it measures, do
// not share them. tests/bench/limit compares its counts per order with those of a real run.
// Constants are used where the value does not change what is written.

#include "core/ids.hpp"
#include "events/catalog.hpp"
#include "events/events.hpp"
#include "kafka/producer.hpp"
#include "postgres/connection.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace orderflow::bench {

using Ids = std::span<const OrderId>;
using Events = std::vector<kafka::Message>;

// Each call is one statement in the caller's open transaction.
void insert_orders(postgres::Connection& connection, Ids ids);
void mark_reserved(postgres::Connection& connection, Ids ids);
void mark_captured(postgres::Connection& connection, Ids ids);
void complete_orders(postgres::Connection& connection, Ids ids);

void insert_reservations(postgres::Connection& connection, Ids ids);
void sell_reservations(postgres::Connection& connection, Ids ids);

// Locks the products and moves pieces: from free to reserved, or from reserved to sold. `products`
// is sorted, without duplicates.
void move_stock(postgres::Connection& connection, std::span<const std::string> products, bool sell);

void insert_payments(postgres::Connection& connection, Ids ids);
void capture_payments(postgres::Connection& connection, Ids ids);

void insert_shipments(postgres::Connection& connection, Ids ids);

void insert_timelines(postgres::Connection& connection, Ids ids);
void update_timelines(postgres::Connection& connection, Ids ids);
void count_orders(postgres::Connection& connection, std::int64_t orders);
void touch_customers(postgres::Connection& connection, std::span<const std::string> customers);

// Writes the events of one kind into the outbox, under the outbox's lock: call it last before the
// commit. Returns the events that the relay would have read, with this program's own topic.
Events append_events(postgres::Connection& connection, events::EventKind kind, Ids ids,
                     IdSource& event_ids);

}  // namespace orderflow::bench
