#include "order/order_store.hpp"

#include "core/enums.hpp"
#include "events/codec.hpp"

namespace orderflow::order {
namespace {

using postgres::Column;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

#define ORDER_COLUMNS                                                                          \
    "order_id, version, state, reason, answers, undone, reserved_at, captured_at, "            \
    "cancelling_at, finished_at, shipment_id, placed_at, customer_id, total, currency"

const Statement kLoad{"orders_load",
                      "SELECT " ORDER_COLUMNS " FROM orders WHERE order_id = ANY ($1::uuid[])"};
const Statement kFind{"orders_find",
                      "SELECT " ORDER_COLUMNS ", body FROM orders WHERE order_id = $1::uuid"};
#undef ORDER_COLUMNS

const Statement kInsert{"orders_insert", R"(
    INSERT INTO orders (order_id, version, state, reason, answers, undone, reserved_at,
                        captured_at, cancelling_at, finished_at, shipment_id, placed_at,
                        customer_id, total, currency, body)
    SELECT order_id, 1, state, reason, answers, undone, reserved_at, captured_at, cancelling_at,
           finished_at, shipment_id, placed_at, customer_id, total, currency, body
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::smallint[],
                $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[],
                $10::uuid[], $11::timestamptz[], $12::text[], $13::bigint[], $14::text[],
                $15::text[])
         AS new(order_id, state, reason, answers, undone, reserved_at, captured_at, cancelling_at,
                finished_at, shipment_id, placed_at, customer_id, total, currency, body)
    ON CONFLICT DO NOTHING)"};

const Statement kUpdate{"orders_update", R"(
    UPDATE orders o
    SET version = o.version + 1, state = new.state, reason = new.reason, answers = new.answers,
        undone = new.undone, reserved_at = new.reserved_at, captured_at = new.captured_at,
        cancelling_at = new.cancelling_at, finished_at = new.finished_at,
        shipment_id = new.shipment_id
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::smallint[], $6::smallint[],
                $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[],
                $11::uuid[])
         AS new(order_id, version, state, reason, answers, undone, reserved_at, captured_at,
                cancelling_at, finished_at, shipment_id)
    WHERE o.order_id = new.order_id AND o.version = new.version)"};

const Statement kLedgers{"orders_ledgers", R"(
    SELECT order_id, type, data, recorded_at FROM outbox
    WHERE order_id = ANY ($1::uuid[]) ORDER BY seq)"};

// Bounded by the rows it looks at, not by those it finds: there is no index on the state. The last
// row of the page comes back whatever its state, as the place to go on from.
const Statement kScanProcessing{"orders_scan_processing", R"(
    WITH page AS MATERIALIZED (
        SELECT order_id, state FROM orders
        WHERE order_id > $1::uuid AND order_id <= $2::uuid ORDER BY order_id LIMIT $3::bigint)
    SELECT order_id, state = 'PROCESSING' FROM page
    WHERE state = 'PROCESSING'
       OR order_id = (SELECT order_id FROM page ORDER BY order_id DESC LIMIT 1)
    ORDER BY order_id)"};

// The columns that change, filled row by row.
struct SagaColumns {
    Column<std::string_view> states, reasons;
    Column<std::int16_t> answers, undone;
    Column<Instant> reserved, captured, cancelling, finished;
    Column<ShipmentId> shipments;

    void push(const Saga& saga) {
        states.push(name_of(saga.state));
        if (saga.reason) {
            reasons.push(name_of(*saga.reason));
        } else {
            reasons.push(std::nullopt);
        }
        answers.push(saga.answers);
        undone.push(saga.undone);
        reserved.push(saga.reserved_at);
        captured.push(saga.captured_at);
        cancelling.push(saga.cancelling_at);
        finished.push(saga.finished_at);
        shipments.push(saga.shipment_id);
    }
};

Saga read_saga(const Rows& rows, int i) {
    Saga saga;
    saga.state = enum_of<State>(rows.text(i, 2));
    if (!rows.is_null(i, 3)) saga.reason = enum_of<events::Reason>(rows.text(i, 3));
    saga.answers = rows.int16(i, 4);
    saga.undone = rows.int16(i, 5);
    saga.reserved_at = rows.optional_instant(i, 6);
    saga.captured_at = rows.optional_instant(i, 7);
    saga.cancelling_at = rows.optional_instant(i, 8);
    saga.finished_at = rows.optional_instant(i, 9);
    if (!rows.is_null(i, 10)) saga.shipment_id = rows.id<ShipmentId>(i, 10);
    saga.placed_at = rows.instant(i, 11);
    saga.customer_id = rows.text(i, 12);
    saga.total = {rows.int64(i, 13), Currency::parse(rows.text(i, 14)).value()};
    return saga;
}

// Empty for the type of an announcement.
std::optional<events::EventKind> own_event(std::string_view type) {
    for (const events::CatalogRow& row : events::catalog()) {
        const bool own = row.producer == events::Service::order;
        if (own && events::type_name(row.kind) == type) return row.kind;
    }
    return std::nullopt;
}

class PostgresOrderStore final : public OrderStore {
public:
    explicit PostgresOrderStore(postgres::Connection& connection) : connection_(connection) {}

    Sagas load(std::span<const OrderId> ids) override {
        auto keys = postgres::column_of(ids);
        const Rows rows = connection_.exec(kLoad, Params::of(keys));
        Sagas sagas;
        for (int i = 0; i < rows.size(); ++i) {
            sagas.loaded(rows.id<OrderId>(i, 0), read_saga(rows, i), rows.int64(i, 1));
        }
        return sagas;
    }

    Ledgers ledgers(std::span<const OrderId> ids) override {
        auto keys = postgres::column_of(ids);
        const Rows rows = connection_.exec(kLedgers, Params::of(keys));
        Ledgers ledgers;
        for (int i = 0; i < rows.size(); ++i) {
            const auto kind = own_event(rows.text(i, 1));
            if (!kind) continue;  // an announcement
            ledgers[rows.id<OrderId>(i, 0)].push_back(
                {events::decode(*kind, rows.text(i, 2)).value(), rows.instant(i, 3)});
        }
        return ledgers;
    }

    bool insert(std::span<const NewOrder> orders) override {
        if (orders.empty()) return true;
        Column<OrderId> ids(orders.size());
        SagaColumns changing;
        Column<Instant> placed;
        Column<std::string_view> customers, bodies;
        Column<std::int64_t> totals;
        Column<Currency> currencies;
        std::string body;
        for (const NewOrder& order : orders) {
            ids.push(order.id);
            changing.push(order.saga);
            placed.push(order.saga.placed_at);
            customers.push(order.saga.customer_id);
            totals.push(order.saga.total.amount);
            currencies.push(order.saga.total.currency);
            body.clear();
            events::encode(*order.order, body);
            bodies.push(body);
        }
        const Rows rows = connection_.exec(
            kInsert,
            Params::of(ids, changing.states, changing.reasons, changing.answers, changing.undone,
                       changing.reserved, changing.captured, changing.cancelling,
                       changing.finished, changing.shipments, placed, customers, totals,
                       currencies, bodies));
        return rows.affected() == static_cast<std::int64_t>(orders.size());
    }

    bool update(const Sagas& sagas) override {
        const auto changes = sagas.changes();
        if (changes.updates.empty()) return true;
        Column<OrderId> ids(changes.updates.size());
        Column<std::int64_t> versions;
        SagaColumns changing;
        for (const Sagas::Entry* entry : changes.updates) {
            ids.push(entry->id);
            versions.push(entry->version);
            changing.push(entry->row);
        }
        const Rows rows = connection_.exec(
            kUpdate,
            Params::of(ids, versions, changing.states, changing.reasons, changing.answers,
                       changing.undone, changing.reserved, changing.captured, changing.cancelling,
                       changing.finished, changing.shipments));
        return rows.affected() == static_cast<std::int64_t>(changes.updates.size());
    }

    ProcessingPage scan_processing(const OrderId& after, const OrderId& upto,
                                   std::int64_t limit) override {
        const Rows rows = connection_.exec(kScanProcessing, Params::of(after, upto, limit));
        ProcessingPage page;
        for (int i = 0; i < rows.size(); ++i) {
            page.last = rows.id<OrderId>(i, 0);
            if (rows.boolean(i, 1)) page.processing.push_back(*page.last);
        }
        return page;
    }

private:
    postgres::Connection& connection_;
};

}  // namespace

std::unique_ptr<OrderStore> make_order_store(postgres::Connection& connection) {
    return std::make_unique<PostgresOrderStore>(connection);
}

std::optional<StoredOrder> find_order(postgres::Connection& connection, const OrderId& id) {
    const Rows rows = connection.exec(kFind, Params::of(id));
    if (rows.size() == 0) return std::nullopt;
    return StoredOrder{read_saga(rows, 0), std::string(rows.text(0, 15))};
}

}  // namespace orderflow::order
