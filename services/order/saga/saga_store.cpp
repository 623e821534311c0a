#include "order/saga/saga_store.hpp"

#include <array>

#include "core/enums.hpp"
#include "events/codec.hpp"

namespace orderflow::order {
namespace {

using postgres::Column;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

const std::string kLoadSql =
    std::string("SELECT ") + kSagaColumns + " FROM orders WHERE order_id = ANY ($1::uuid[])";
const Statement kLoad{"orders_load", kLoadSql.c_str()};

const Statement kInsert{"orders_insert", R"(
    INSERT INTO orders (order_id, version, state, reason, answers, undone, reserved_at,
                        captured_at, cancelling_at, finished_at, inventory_answered_at,
                        payment_answered_at, shipping_answered_at, recreated_at, shipment_id,
                        placed_at, customer_id, total, currency, body)
    SELECT order_id, 1, state, reason, answers, undone, reserved_at, captured_at, cancelling_at,
           finished_at, inventory_answered_at, payment_answered_at, shipping_answered_at,
           recreated_at, shipment_id, placed_at, customer_id, total, currency, body
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::smallint[],
                $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[],
                $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[],
                $14::uuid[], $15::timestamptz[], $16::text[], $17::bigint[], $18::text[],
                $19::text[])
         AS new(order_id, state, reason, answers, undone, reserved_at, captured_at, cancelling_at,
                finished_at, inventory_answered_at, payment_answered_at, shipping_answered_at,
                recreated_at, shipment_id, placed_at, customer_id, total, currency, body)
    ON CONFLICT DO NOTHING)"};

const Statement kUpdate{"orders_update", R"(
    UPDATE orders o
    SET version = o.version + 1, state = new.state, reason = new.reason, answers = new.answers,
        undone = new.undone, reserved_at = new.reserved_at, captured_at = new.captured_at,
        cancelling_at = new.cancelling_at, finished_at = new.finished_at,
        inventory_answered_at = new.inventory_answered_at,
        payment_answered_at = new.payment_answered_at,
        shipping_answered_at = new.shipping_answered_at, shipment_id = new.shipment_id
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::smallint[], $6::smallint[],
                $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[],
                $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::uuid[])
         AS new(order_id, version, state, reason, answers, undone, reserved_at, captured_at,
                cancelling_at, finished_at, inventory_answered_at, payment_answered_at,
                shipping_answered_at, shipment_id)
    WHERE o.order_id = new.order_id AND o.version = new.version)"};

// For notifications, to every process with sockets. 200 ids fit into a payload's 8,000 bytes.
const Statement kNotify{"orders_notify", R"(
    SELECT pg_notify('order_changed', string_agg(order_id::text, ' '))
    FROM (SELECT order_id, (row_number() OVER () - 1) / 200 AS part
          FROM unnest($1::uuid[]) AS order_id) AS changed
    GROUP BY part)"};

const Statement kLedgers{"orders_ledgers", R"(
    SELECT order_id, type, data, recorded_at FROM outbox
    WHERE order_id = ANY ($1::uuid[]) ORDER BY seq)"};

// The limit counts the rows that are read, not those that match, because there is no index on the
// state. The last row of the page is always returned, whatever its state, as the place to continue
// from.
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
    std::array<Column<Instant>, 3> answered;
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
        for (std::size_t i = 0; i < answered.size(); ++i) answered[i].push(saga.answered_at[i]);
        shipments.push(saga.shipment_id);
    }
};

// Empty for the type of an announcement.
std::optional<events::EventKind> own_event(std::string_view type) {
    for (const events::CatalogRow& row : events::catalog()) {
        const bool own = row.producer == events::Service::order;
        if (own && events::type_name(row.kind) == type) return row.kind;
    }
    return std::nullopt;
}

class PostgresSagaStore final : public SagaStore {
public:
    explicit PostgresSagaStore(postgres::Connection& connection) : connection_(connection) {}

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
        std::vector<OrderId> made_again;  // clients may have subscribed to them
        SagaColumns changing;
        Column<Instant> placed, recreated;
        Column<std::string_view> customers, bodies;
        Column<std::int64_t> totals;
        Column<Currency> currencies;
        std::string body;
        for (const NewOrder& order : orders) {
            ids.push(order.id);
            changing.push(order.saga);
            placed.push(order.saga.placed_at);
            recreated.push(order.saga.recreated_at);
            if (order.saga.recreated_at) made_again.push_back(order.id);
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
                       changing.reserved, changing.captured, changing.cancelling, changing.finished,
                       changing.answered[0], changing.answered[1], changing.answered[2], recreated,
                       changing.shipments, placed, customers, totals, currencies, bodies));
        if (rows.affected() != static_cast<std::int64_t>(orders.size())) return false;
        if (made_again.empty()) return true;
        auto changed = postgres::column_of(std::span<const OrderId>(made_again));
        connection_.exec(kNotify, Params::of(changed));
        return true;
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
            kUpdate, Params::of(ids, versions, changing.states, changing.reasons, changing.answers,
                                changing.undone, changing.reserved, changing.captured,
                                changing.cancelling, changing.finished, changing.answered[0],
                                changing.answered[1], changing.answered[2], changing.shipments));
        if (rows.affected() != static_cast<std::int64_t>(changes.updates.size())) return false;
        connection_.exec(kNotify, Params::of(ids));
        return true;
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
    for (int who = 0; who < 3; ++who) {
        saga.answered_at[static_cast<std::size_t>(who)] = rows.optional_instant(i, 10 + who);
    }
    saga.recreated_at = rows.optional_instant(i, 13);
    if (!rows.is_null(i, 14)) saga.shipment_id = rows.id<ShipmentId>(i, 14);
    saga.placed_at = rows.instant(i, 15);
    saga.customer_id = rows.text(i, 16);
    saga.total = {rows.int64(i, 17), Currency::parse(rows.text(i, 18)).value()};
    return saga;
}

std::unique_ptr<SagaStore> make_saga_store(postgres::Connection& connection) {
    return std::make_unique<PostgresSagaStore>(connection);
}

Sagas read_sagas(postgres::Connection& connection, std::span<const OrderId> ids) {
    return make_saga_store(connection)->load(ids);
}

}  // namespace orderflow::order
