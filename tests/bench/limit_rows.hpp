// What one order makes each service write: its rows, as sets like the services' stores send them,
// and its event. The statements are the limit's own, shared with nobody it is the limit of, and
// the counts of both are compared. Constants stand where they do not change what is written.
#pragma once

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

// Each call is one statement on the caller's open transaction.
void insert_orders(postgres::Connection& connection, Ids ids);
void mark_reserved(postgres::Connection& connection, Ids ids);
void mark_captured(postgres::Connection& connection, Ids ids);
void complete_orders(postgres::Connection& connection, Ids ids);

void insert_reservations(postgres::Connection& connection, Ids ids);
void sell_reservations(postgres::Connection& connection, Ids ids);

// Locks the products and moves pieces: free to reserved, or reserved to sold. Sorted, no doubles.
void move_stock(postgres::Connection& connection, std::span<const std::string> products, bool sell);

void insert_payments(postgres::Connection& connection, Ids ids);
void capture_payments(postgres::Connection& connection, Ids ids);

void insert_shipments(postgres::Connection& connection, Ids ids);

void insert_timelines(postgres::Connection& connection, Ids ids);
void update_timelines(postgres::Connection& connection, Ids ids);
void count_orders(postgres::Connection& connection, std::int64_t orders);
void touch_customers(postgres::Connection& connection, std::span<const std::string> customers);

// Writes the events of one kind into the outbox, under its lock: last before the commit. Returns
// what the relay would have read, with the limit's own topic.
Events append_events(postgres::Connection& connection, events::EventKind kind, Ids ids,
                     IdSource& event_ids);

}  // namespace orderflow::bench
