#include "bench/limit_rows.hpp"

#include "events/codec.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace orderflow::bench {
namespace {

using postgres::Column;
using postgres::Params;
using postgres::Statement;

constexpr std::int64_t outbox_lock = 0x6f757462;
constexpr std::string_view topic_prefix = "limit.";

const Statement insert_orders_sql{"insert_orders", R"(
    INSERT INTO orders (order_id, version, state, answers, undone, placed_at, customer_id, total,
                        currency, body)
    SELECT id, 1, 'PROCESSING', 0, 0, now(), 'CUST-000123', 1500, 'KRW', $2::text
    FROM unnest($1::uuid[]) AS id ON CONFLICT DO NOTHING)"};
const Statement mark_reserved_sql{"mark_reserved", R"(
    UPDATE orders o SET version = o.version + 1, reserved_at = now()
    FROM unnest($1::uuid[]) AS id WHERE o.order_id = id)"};
const Statement mark_captured_sql{"mark_captured", R"(
    UPDATE orders o SET version = o.version + 1, captured_at = now()
    FROM unnest($1::uuid[]) AS id WHERE o.order_id = id)"};
const Statement complete_orders_sql{"complete_orders", R"(
    UPDATE orders o SET version = o.version + 1, state = 'COMPLETED', finished_at = now(),
                        reserved_at = now(), captured_at = now(), shipment_id = id
    FROM unnest($1::uuid[]) AS id WHERE o.order_id = id)"};

const Statement insert_reservations_sql{"insert_reservations", R"(
    INSERT INTO reservations (order_id, version, state, reserved_at, updated_at, items)
    SELECT id, 1, 'RESERVED', now(), now(), '[{"productId":"ITEM-001","quantity":1}]'
    FROM unnest($1::uuid[]) AS id ON CONFLICT DO NOTHING)"};
const Statement sell_reservations_sql{"sell_reservations", R"(
    UPDATE reservations r SET version = r.version + 1, state = 'SOLD', updated_at = now()
    FROM unnest($1::uuid[]) AS id WHERE r.order_id = id)"};
const Statement lock_stock_sql{"lock_stock", R"(
    SELECT 1 FROM products WHERE product_id = ANY ($1::text[])
    ORDER BY product_id FOR NO KEY UPDATE)"};
const Statement reserve_stock_sql{"reserve_stock", R"(
    UPDATE products p SET free = p.free - 1, reserved = p.reserved + 1, updated_at = now()
    FROM unnest($1::text[]) AS id WHERE p.product_id = id)"};
const Statement sell_stock_sql{"sell_stock", R"(
    UPDATE products p SET reserved = p.reserved - 1, sold = p.sold + 1, updated_at = now()
    FROM unnest($1::text[]) AS id WHERE p.product_id = id)"};

const Statement insert_payments_sql{"insert_payments", R"(
    INSERT INTO payments (order_id, version, touched_at, attempts, state, opened_at, amount,
                          currency, token, body)
    SELECT id, 1, now(), 0, 'INTENT', now(), 1500, 'KRW', 'tok_ok', $2::text
    FROM unnest($1::uuid[]) AS id ON CONFLICT DO NOTHING)"};
const Statement capture_payments_sql{"capture_payments", R"(
    UPDATE payments p SET version = p.version + 1, touched_at = now(), state = 'CAPTURED',
                          charge_id = 'ch_019b7ca98d037c3e9a513f6d2b8e4c10'
    FROM unnest($1::uuid[]) AS id WHERE p.order_id = id)"};

const Statement insert_shipments_sql{"insert_shipments", R"(
    INSERT INTO shipments (order_id, version, state, shipment_id, tracking_number, storage_booked,
                           scheduled_at)
    SELECT id, 1, 'SCHEDULED', id, 'KR-2026-00000001', false, now()
    FROM unnest($1::uuid[]) AS id ON CONFLICT DO NOTHING)"};

const Statement insert_timelines_sql{"insert_timelines", R"(
    INSERT INTO timelines (order_id, version, order_placed_at, order_placed_pos, stock_reserved_at,
                           stock_reserved_pos, payment_captured_at, payment_captured_pos, total,
                           currency, customer_id)
    SELECT id, 1, now(), 1, now(), 2, now(), 3, 1500, 'KRW', 'CUST-000123'
    FROM unnest($1::uuid[]) AS id ON CONFLICT DO NOTHING)"};
const Statement update_timelines_sql{"update_timelines", R"(
    UPDATE timelines t
    SET version = t.version + 1, shipment_scheduled_at = now(), shipment_scheduled_pos = 4,
        order_completed_at = now(), order_completed_pos = 5
    FROM unnest($1::uuid[]) AS id WHERE t.order_id = id)"};
const Statement count_totals_sql{"count_totals", R"(
    INSERT INTO counters AS c (name, value)
    SELECT name, $1::bigint FROM unnest('{completed,open,placed,revenue.KRW}'::text[]) AS name
    ON CONFLICT (name) DO UPDATE SET value = c.value + EXCLUDED.value)"};
const Statement count_minute_sql{"count_minute", R"(
    INSERT INTO minutes AS m (minute, placed, completed, cancelled, revenue, responses, response_us,
                              reserve, charge, ship, complete)
    SELECT date_trunc('minute', now()), $1::bigint, $1::bigint, 0, 0, $1::bigint, 0, counts, counts,
           counts, counts
    FROM (SELECT array_fill(1, ARRAY[160]) AS counts) AS c
    ON CONFLICT (minute) DO UPDATE
    SET placed = m.placed + EXCLUDED.placed, completed = m.completed + EXCLUDED.completed,
        responses = m.responses + EXCLUDED.responses, reserve = EXCLUDED.reserve)"};
const Statement touch_customers_sql{"touch_customers", R"(
    INSERT INTO customers AS c (customer_id, first_order_at, last_order_minute)
    SELECT id, now(), date_trunc('minute', now()) FROM unnest($1::text[]) AS id
    LEFT JOIN customers k ON k.customer_id = id
    WHERE k.customer_id IS NULL OR k.last_order_minute < date_trunc('minute', now())
    ON CONFLICT (customer_id) DO UPDATE SET last_order_minute = EXCLUDED.last_order_minute)"};

const Statement append_sql{"append", R"(
    WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock($1::bigint))
    INSERT INTO outbox (event_id, order_id, topic, key, type, headers, data, recorded_at)
    SELECT event_id, order_id, $2::text, order_id::text, $3::text, '{}', data, clock_timestamp()
    FROM held, unnest($4::uuid[], $5::uuid[], $6::text[]) AS new(event_id, order_id, data))"};

void on_ids(postgres::Connection& connection, const Statement& statement, Ids ids) {
    if (ids.empty()) return;
    Column<OrderId> column(ids.size());
    for (const OrderId& id : ids) column.push(id);
    connection.exec(statement, Params::of(column));
}

events::Order sample_order() {
    events::Order order;
    order.customer_id = "CUST-000123";
    order.total = 1500;
    order.items.push_back({"ITEM-001", "White Compact Keyboard", 1500, 1});
    order.payment.token = "tok_ok";
    order.placed_at = Instant{std::chrono::microseconds{1'767'323'045'123'456}};
    return order;
}

void insert_with_body(postgres::Connection& connection, const Statement& statement, Ids ids) {
    static const std::string body = [] {
        std::string json;
        events::encode(sample_order(), json);
        return json;
    }();
    Column<OrderId> column(ids.size());
    for (const OrderId& id : ids) column.push(id);
    connection.exec(statement, Params::of(column, body));
}

// One event of the given kind, as an order that succeeds has it.
events::Event sample_event(events::EventKind kind) {
    const events::Order order = sample_order();
    const ShipmentId shipment = IdSource(1).next<ShipmentId>(order.placed_at);
    const std::array<events::Event, 5> samples{
        events::OrderPlaced{{}, order}, events::StockReserved{{}, order},
        events::PaymentCaptured{
            {}, "ch_019b7ca98d037c3e9a513f6d2b8e4c10", order.total, order.currency, order},
        events::ShipmentScheduled{
            {}, shipment, "KR-2026-00000001", order.total, order.currency, false},
        events::OrderCompleted{{}, order.customer_id, shipment, order.total, order.currency}};
    return *std::ranges::find_if(
        samples, [&](const events::Event& sample) { return events::kind_of(sample) == kind; });
}

// The JSON of an event of one kind; the id of each order is put into it in turn.
class Template {
public:
    explicit Template(events::EventKind kind) {
        events::encode(sample_event(kind), json_);
        at_ = json_.find(OrderId{}.to_string());
    }

    std::string with(const std::string& id) const {
        std::string json = json_;
        json.replace(at_, id.size(), id);
        return json;
    }

private:
    std::string json_;
    std::size_t at_ = 0;
};

events::Service producer_of(events::EventKind kind) {
    for (const auto& row : events::catalog()) {
        if (row.kind == kind) return row.producer;
    }
    throw std::logic_error("no such event");
}

}  // namespace

void insert_orders(postgres::Connection& connection, Ids ids) {
    insert_with_body(connection, insert_orders_sql, ids);
}

void mark_reserved(postgres::Connection& connection, Ids ids) {
    on_ids(connection, mark_reserved_sql, ids);
}
void mark_captured(postgres::Connection& connection, Ids ids) {
    on_ids(connection, mark_captured_sql, ids);
}
void complete_orders(postgres::Connection& connection, Ids ids) {
    on_ids(connection, complete_orders_sql, ids);
}
void insert_reservations(postgres::Connection& connection, Ids ids) {
    on_ids(connection, insert_reservations_sql, ids);
}
void sell_reservations(postgres::Connection& connection, Ids ids) {
    on_ids(connection, sell_reservations_sql, ids);
}
void insert_payments(postgres::Connection& connection, Ids ids) {
    insert_with_body(connection, insert_payments_sql, ids);
}
void capture_payments(postgres::Connection& connection, Ids ids) {
    on_ids(connection, capture_payments_sql, ids);
}
void insert_shipments(postgres::Connection& connection, Ids ids) {
    on_ids(connection, insert_shipments_sql, ids);
}
void insert_timelines(postgres::Connection& connection, Ids ids) {
    on_ids(connection, insert_timelines_sql, ids);
}
void update_timelines(postgres::Connection& connection, Ids ids) {
    on_ids(connection, update_timelines_sql, ids);
}

void move_stock(postgres::Connection& connection, std::span<const std::string> products,
                bool sell) {
    Column<std::string_view> column(products.size());
    for (const std::string& product : products) column.push(product);
    connection.exec(lock_stock_sql, Params::of(column));
    connection.exec(sell ? sell_stock_sql : reserve_stock_sql, Params::of(column));
}

void count_orders(postgres::Connection& connection, std::int64_t orders) {
    connection.exec(count_minute_sql, Params::of(orders));
    connection.exec(count_totals_sql, Params::of(orders));
}

void touch_customers(postgres::Connection& connection, std::span<const std::string> customers) {
    Column<std::string_view> column(customers.size());
    for (const std::string& customer : customers) column.push(customer);
    connection.exec(touch_customers_sql, Params::of(column));
}

Events append_events(postgres::Connection& connection, events::EventKind kind, Ids ids,
                     IdSource& event_ids) {
    thread_local std::array<std::optional<Template>, events::kEventKinds> templates;
    auto& event = templates[static_cast<std::size_t>(kind)];
    if (!event) event.emplace(kind);
    const Instant now = system_now();
    Column<EventId> keys(ids.size());
    Column<OrderId> orders(ids.size());
    Column<std::string_view> data(ids.size());
    Events rows(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        kafka::Message& row = rows[i];
        row.event_id = event_ids.next<EventId>(now);
        row.topic = topic_prefix;
        row.topic += events::topic_of(producer_of(kind));
        row.key = ids[i].to_string();
        row.type = events::type_name(kind);
        row.headers = "{}";
        row.data = event->with(*row.key);
        row.recorded_at = now;
        keys.push(row.event_id);
        orders.push(ids[i]);
        data.push(row.data);
    }
    connection.exec(append_sql, Params::of(outbox_lock, events::topic_of(producer_of(kind)),
                                           events::type_name(kind), keys, orders, data));
    return rows;
}

}  // namespace orderflow::bench
