// Part of facts_readers.hpp: reads the five databases, by keyset pages.
#include <algorithm>
#include <limits>

#include "json/json.hpp"
#include "orderctl/facts_readers.hpp"
#include "orderctl/fold.hpp"
#include "orderctl/odd_columns.hpp"
#include "orderctl/parked_rows.hpp"
#include "outbox/relay.hpp"

namespace orderflow::orderctl {

struct ReservedItem {
    std::string product_id;
    std::int64_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(ReservedItem, (), (product_id, quantity))

namespace {

using postgres::Params;
using postgres::Rows;
using postgres::Statement;

constexpr std::int64_t kPage = 5'000;
constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();

const Statement kCheckpoint{"checkpoint", "SELECT checkpoint FROM audit_v1_relay"};
const Statement kGrownFrom{"grown_from", "SELECT min(grown_from) FROM audit_v1_relay_lanes"};
const Statement kAnnounced{"announced", R"(
    SELECT lane, checkpoint, coalesce(topic_id, '') FROM audit_v1_relay_lanes
    WHERE lane <> 'saga' AND remade_at IS NULL AND skipped = 0)"};
const Statement kBehind{"behind", R"(
    SELECT count(*) FROM audit_v1_outbox WHERE seq > (SELECT checkpoint FROM audit_v1_relay))"};
const Statement kInFlight{"in_flight", R"(
    SELECT count(*) FROM audit_v1_orders WHERE state NOT IN ('COMPLETED', 'CANCELLED'))"};
const Statement kExisting{"existing",
                          "SELECT order_id FROM audit_v1_orders WHERE order_id = ANY ($1::uuid[])"};

const Statement kLedger{"ledger", R"(
    SELECT seq, event_id, order_id, topic, key, type, data, recorded_at
    FROM audit_v1_outbox WHERE seq > $1::bigint ORDER BY seq LIMIT $2::bigint)"};
const Statement kLedgerOfOrder{"ledger_of_order", R"(
    SELECT seq, event_id, topic, key, type, headers, data, recorded_at
    FROM audit_v1_outbox WHERE order_id = $1::uuid AND seq <= $2::bigint ORDER BY seq)"};
const std::string kParkedPage =
    R"(SELECT id, topic, partition, "offset", order_id, ce_id, attempts, dead, error, parked_at,
       )" +
    std::string(kParkedDue) + ", head_id FROM " + kParkedRows +
    " WHERE id > $1::bigint ORDER BY id LIMIT $2::bigint";
const Statement kParked{"parked", kParkedPage.c_str()};

const Statement kOrders{"orders", R"(
    SELECT order_id, state, reason, answers, undone, reserved_at IS NOT NULL,
           captured_at IS NOT NULL, shipment_id, customer_id, total, currency, body,
           cancelling_at IS NOT NULL, finished_at IS NOT NULL
    FROM audit_v1_orders WHERE order_id > $1::uuid ORDER BY order_id LIMIT $2::bigint)"};
const Statement kReservations{"reservations", R"(
    SELECT order_id, state, reason, reserved_at IS NOT NULL, items
    FROM audit_v1_reservations WHERE order_id > $1::uuid ORDER BY order_id LIMIT $2::bigint)"};
const Statement kProducts{"products", R"(
    SELECT product_id, name, price, currency, free, reserved, sold
    FROM audit_v1_stock WHERE product_id > $1::text ORDER BY product_id LIMIT $2::bigint)"};
const Statement kAdjustments{"adjustments", R"(
    SELECT key, product_id, change FROM audit_v1_adjustments
    WHERE verdict = 'ADJUSTED' AND key > $1::text ORDER BY key LIMIT $2::bigint)"};
const Statement kPayments{"payments", R"(
    SELECT order_id, state, reason, amount, currency, charge_id, settled_as, settled_by
    FROM audit_v1_payments WHERE order_id > $1::uuid ORDER BY order_id LIMIT $2::bigint)"};
const Statement kShipments{"shipments", R"(
    SELECT order_id, state, reason, shipment_id, tracking_number, storage_booked, destination
    FROM audit_v1_shipments WHERE order_id > $1::uuid ORDER BY order_id LIMIT $2::bigint)"};
const Statement kStorage{"storage", "SELECT used FROM audit_v1_storage"};

// Reads page after page, by the key in column 0; `take(rows, i)` returns the key.
template <class Key, class Take>
void for_each_row(postgres::Connection& connection, const Statement& statement, Key after,
                  Take take) {
    for (;;) {
        const Rows rows = connection.exec(statement, Params::of(after, kPage));
        for (int i = 0; i < rows.size(); ++i) after = take(rows, i);
        if (rows.size() < kPage) return;
    }
}

Digest optional_digest(const Rows& rows, int row, int column) {
    return rows.is_null(row, column) ? 0 : digest(rows.text(row, column));
}

}  // namespace

AuditDatabase::AuditDatabase(Service service, const std::string& url)
    : service_(service), connection_({url, schema_of(service)}) {
    connection_.script(
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
        " SET lock_timeout = 0");
}

AuditDatabases open_databases(const Endpoints& endpoints) {
    AuditDatabases databases;
    for (const Service service : kServices) {
        databases.push_back(std::make_unique<AuditDatabase>(service, endpoints.auditor(service)));
    }
    return databases;
}

AuditDatabase& database_of(AuditDatabases& databases, Service service) {
    return **std::ranges::find(databases, service,
                               [](const auto& database) { return database->service(); });
}

std::int64_t AuditDatabase::checkpoint() { return connection_.exec(kCheckpoint).int64(0, 0); }

std::optional<std::int32_t> AuditDatabase::grown_from() {
    const Rows rows = connection_.exec(kGrownFrom);
    if (rows.is_null(0, 0)) return std::nullopt;
    return rows.int32(0, 0);
}

std::map<std::string, Announced> AuditDatabase::announced() {
    const Rows rows = connection_.exec(kAnnounced);
    std::map<std::string, Announced> lanes;
    for (int i = 0; i < rows.size(); ++i) {
        lanes[std::string(rows.text(i, 0))] = {rows.int64(i, 1), std::string(rows.text(i, 2))};
    }
    return lanes;
}
std::int64_t AuditDatabase::behind() { return connection_.exec(kBehind).int64(0, 0); }
std::int64_t AuditDatabase::orders_in_flight() { return connection_.exec(kInFlight).int64(0, 0); }

void AuditDatabase::open_snapshot() {
    connection_.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    connection_.script("SELECT 1");  // the first query takes the snapshot
}

void AuditDatabase::close_snapshot() { connection_.script("COMMIT"); }

std::set<OrderId> AuditDatabase::existing(std::span<const OrderId> ids) {
    std::set<OrderId> found;
    for (std::size_t at = 0; at < ids.size(); at += kPage) {
        const auto page = ids.subspan(at, std::min<std::size_t>(kPage, ids.size() - at));
        auto keys = postgres::column_of(page);
        const Rows rows = connection_.exec(kExisting, Params::of(keys));
        for (int i = 0; i < rows.size(); ++i) found.insert(rows.id<OrderId>(i, 0));
    }
    return found;
}

std::vector<std::string> AuditDatabase::json_rows(const std::string& query) {
    const Rows rows =
        connection_.script("SELECT json_strip_nulls(row_to_json(r)) FROM (" + query + ") r");
    std::vector<std::string> list;
    for (int i = 0; i < rows.size(); ++i) list.emplace_back(rows.text(i, 0));
    return list;
}

std::vector<std::pair<std::string, std::string>> AuditDatabase::keyed_json_rows(
    const std::string& query, const std::string& key) {
    const Rows rows = connection_.script(
        "SELECT " + key + "::text, json_strip_nulls(row_to_json(r)) FROM (" + query + ") r");
    std::vector<std::pair<std::string, std::string>> list;
    for (int i = 0; i < rows.size(); ++i) list.emplace_back(rows.text(i, 0), rows.text(i, 1));
    return list;
}

std::vector<outbox::LedgerRow> AuditDatabase::ledger_of(const OrderId& order, std::int64_t seq) {
    const Rows rows = connection_.exec(kLedgerOfOrder, Params::of(order, seq));
    std::vector<outbox::LedgerRow> list(static_cast<std::size_t>(rows.size()));
    for (int i = 0; i < rows.size(); ++i) {
        outbox::LedgerRow& row = list[static_cast<std::size_t>(i)];
        row.seq = rows.int64(i, 0);
        row.event_id = rows.id<EventId>(i, 1);
        row.order_id = order;
        row.topic = rows.text(i, 2);
        if (!rows.is_null(i, 3)) row.key.emplace(rows.text(i, 3));
        row.type = rows.text(i, 4);
        row.headers = rows.text(i, 5);
        row.data = rows.text(i, 6);
        row.recorded_at = rows.instant(i, 7);
    }
    return list;
}

void AuditDatabase::read_ledger(Facts& facts) {
    for_each_row(connection_, kLedger, kFirst, [&](const Rows& rows, int i) {
        LedgerLine line;
        line.seq = rows.int64(i, 0);
        line.id = rows.id<EventId>(i, 1);
        if (!rows.is_null(i, 2)) line.order = rows.id<OrderId>(i, 2);
        line.topic = rows.text(i, 3);
        if (!rows.is_null(i, 4)) line.key = rows.text(i, 4);
        line.type = rows.text(i, 5);
        line.data = rows.text(i, 6);
        line.recorded_at = rows.instant(i, 7);
        fold(facts, service_, line);
        return line.seq;
    });
}

void AuditDatabase::read_parked(Facts& facts) {
    for_each_row(connection_, kParked, kFirst, [&](const Rows& rows, int i) {
        ParkedFact& parked = facts.parked.emplace_back();
        parked.service = service_;
        parked.id = rows.int64(i, 0);
        parked.topic = rows.text(i, 1);
        parked.partition = rows.int32(i, 2);
        parked.offset = rows.int64(i, 3);
        if (!rows.is_null(i, 4)) parked.order = rows.id<OrderId>(i, 4);
        parked.ce_id = rows.text(i, 5);
        parked.attempts = rows.int32(i, 6);
        parked.dead = rows.boolean(i, 7);
        parked.error = rows.text(i, 8);
        parked.parked_at = rows.instant(i, 9);
        if (!rows.is_null(i, 10)) parked.due_at = rows.instant(i, 10);
        if (!rows.is_null(i, 11)) parked.behind = rows.int64(i, 11);
        return parked.id;
    });
}

void AuditDatabase::read_tables(Facts& facts) {
    switch (service_) {
        case Service::order: return read_orders(facts);
        case Service::inventory: read_products(facts); return read_reservations(facts);
        case Service::payment: return read_payments(facts);
        case Service::shipping: return read_shipments(facts);
        case Service::analytics: return;
    }
}

void AuditDatabase::read_orders(Facts& facts) {
    for_each_row(connection_, kOrders, OrderId{}, [&](const Rows& rows, int i) {
        const auto id = rows.id<OrderId>(i, 0);
        const OddColumns odd{facts, rows, i, service_, facts.order(id)};
        const auto& ledger = facts.orders[odd.order].ledger.order;
        OrderRow& row = facts.orders[odd.order].table.order.emplace();
        row.state = odd.value("state", 1, said(ledger, &OrderRow::state));
        row.reason = odd.optional("reason", 2, said(ledger, &OrderRow::reason));
        row.answers = rows.int16(i, 3);
        row.undone = rows.int16(i, 4);
        row.reserved = rows.boolean(i, 5);
        row.captured = rows.boolean(i, 6);
        if (!rows.is_null(i, 7)) row.shipment = rows.id<ShipmentId>(i, 7);
        row.customer = digest(rows.text(i, 8));
        row.total = odd.money(9, said(ledger, &OrderRow::total));
        row.body = digest(rows.text(i, 11));
        row.cancelling = rows.boolean(i, 12);
        row.finished = rows.boolean(i, 13);
        return id;
    });
}

void AuditDatabase::read_reservations(Facts& facts) {
    using Items = std::vector<ReservedItem>;
    for_each_row(connection_, kReservations, OrderId{}, [&](const Rows& rows, int i) {
        const auto id = rows.id<OrderId>(i, 0);
        const OddColumns odd{facts, rows, i, service_, facts.order(id)};
        const auto& ledger = facts.orders[odd.order].ledger.reservation;
        ReservationRow& row = facts.orders[odd.order].table.reservation.emplace();
        row.state = odd.value("state", 1, said(ledger, &ReservationRow::state));
        row.reason = odd.optional("reason", 2, said(ledger, &ReservationRow::reason));
        row.reserved = rows.boolean(i, 3);
        row.items = digest(rows.text(i, 4));
        const bool sold = row.state == ReservationState::SOLD;
        if (!sold && row.state != ReservationState::RESERVED) return id;
        const auto items = json::read_json<Items>(rows.text(i, 4), json::UnknownMembers::ignore);
        if (!items) return id;  // the digest differs from the ledger's, and so do the sums
        for (const ReservedItem& item : *items) {
            ProductFacts& product = facts.products[facts.product(item.product_id)];
            (sold ? product.sold_rows : product.reserved_rows) += item.quantity;
        }
        return id;
    });
}

void AuditDatabase::read_products(Facts& facts) {
    for_each_row(connection_, kProducts, std::string(), [&](const Rows& rows, int i) {
        std::string id(rows.text(i, 0));
        const OddColumns odd{facts, rows, i, service_, kNone, facts.product(id)};
        ProductFacts& product = facts.products[odd.product];
        product.in_table = true;
        product.name = digest(rows.text(i, 1));
        product.price = odd.money(2, product.ledger_price);
        product.free = rows.int64(i, 4);
        product.reserved = rows.int64(i, 5);
        product.sold = rows.int64(i, 6);
        return id;
    });
    for_each_row(connection_, kAdjustments, std::string(), [&](const Rows& rows, int i) {
        facts.products[facts.product(std::string(rows.text(i, 1)))].asked += rows.int64(i, 2);
        return std::string(rows.text(i, 0));
    });
}

void AuditDatabase::read_payments(Facts& facts) {
    for_each_row(connection_, kPayments, OrderId{}, [&](const Rows& rows, int i) {
        const auto id = rows.id<OrderId>(i, 0);
        const OddColumns odd{facts, rows, i, service_, facts.order(id)};
        const auto& ledger = facts.orders[odd.order].ledger.payment;
        PaymentRow& row = facts.orders[odd.order].table.payment.emplace();
        row.state = odd.value("state", 1, said(ledger, &PaymentRow::state));
        row.reason = odd.optional("reason", 2, said(ledger, &PaymentRow::reason));
        if (!rows.is_null(i, 3)) row.amount = odd.money(3, said(ledger, &PaymentRow::amount));
        row.charge = optional_digest(rows, i, 5);
        row.settled_as = odd.optional("settledAs", 6, said(ledger, &PaymentRow::settled_as));
        row.settled_by = optional_digest(rows, i, 7);
        return id;
    });
}

void AuditDatabase::read_shipments(Facts& facts) {
    for_each_row(connection_, kShipments, OrderId{}, [&](const Rows& rows, int i) {
        const auto id = rows.id<OrderId>(i, 0);
        const OddColumns odd{facts, rows, i, service_, facts.order(id)};
        const auto& ledger = facts.orders[odd.order].ledger.shipment;
        ShipmentRow& row = facts.orders[odd.order].table.shipment.emplace();
        row.state = odd.value("state", 1, said(ledger, &ShipmentRow::state));
        row.reason = odd.optional("reason", 2, said(ledger, &ShipmentRow::reason));
        if (!rows.is_null(i, 3)) row.shipment = rows.id<ShipmentId>(i, 3);
        row.tracking = optional_digest(rows, i, 4);
        row.storage_booked = rows.boolean(i, 5);
        row.destination = optional_digest(rows, i, 6);
        return id;
    });
    const Rows storage = connection_.exec(kStorage);
    facts.storage_used = storage.size() > 0 ? storage.int64(0, 0) : 0;
}

}  // namespace orderflow::orderctl
