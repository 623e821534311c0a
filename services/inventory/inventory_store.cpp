#include "inventory/inventory_store.hpp"

#include <stdexcept>

#include "core/enums.hpp"
#include "json/json.hpp"
#include "outbox/request_keys.hpp"

namespace orderflow::inventory {
namespace {

using postgres::Column;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

const Statement kLoadReservations{"reservations_load", R"(
    SELECT order_id, version, state, reason, reserved_at, updated_at, items
    FROM reservations WHERE order_id = ANY ($1::uuid[]))"};

const Statement kInsertReservations{"reservations_insert", R"(
    INSERT INTO reservations (order_id, version, state, reason, reserved_at, updated_at, items)
    SELECT order_id, 1, state, reason, reserved_at, updated_at, items
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[],
                $6::text[])
         AS new(order_id, state, reason, reserved_at, updated_at, items)
    ON CONFLICT DO NOTHING)"};

// Reason, reserved_at and items stay as the first event has set them.
const Statement kUpdateReservations{"reservations_update", R"(
    UPDATE reservations r
    SET version = r.version + 1, state = new.state, updated_at = new.updated_at
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[])
         AS new(order_id, version, state, updated_at)
    WHERE r.order_id = new.order_id AND r.version = new.version)"};

// Rows are locked after they are sorted. The key does not change: NO KEY.
const Statement kLockStock{"products_lock", R"(
    SELECT product_id, name, price, currency, free, reserved, sold, revision
    FROM products WHERE product_id = ANY ($1::text[])
    ORDER BY product_id FOR NO KEY UPDATE)"};

const Statement kFindProduct{"products_find", R"(
    SELECT product_id, name, price, currency, free, reserved, sold, revision
    FROM products WHERE product_id = $1::text)"};

const Statement kInsertProducts{"products_insert", R"(
    INSERT INTO products (product_id, name, price, currency, free, reserved, sold, revision,
                          updated_at)
    SELECT product_id, name, price, currency, free, reserved, sold, revision, $9::timestamptz
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::bigint[])
         AS new(product_id, name, price, currency, free, reserved, sold, revision)
    ON CONFLICT DO NOTHING)"};

const Statement kUpdateProducts{"products_update", R"(
    UPDATE products p
    SET name = new.name, price = new.price, currency = new.currency, free = new.free,
        reserved = new.reserved, sold = new.sold, revision = new.revision,
        updated_at = $9::timestamptz
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::bigint[])
         AS new(product_id, name, price, currency, free, reserved, sold, revision)
    WHERE p.product_id = new.product_id)"};

const Statement kFindAdjustments{"adjustments_find", R"(
    SELECT key, product_id, change, reason, verdict, free
    FROM adjustments WHERE key = ANY ($1::text[]))"};

const Statement kInsertAdjustments{"adjustments_insert", R"(
    INSERT INTO adjustments (key, product_id, change, reason, verdict, free, decided_at)
    SELECT key, product_id, change, reason, verdict, free, $7::timestamptz
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[])
         AS new(key, product_id, change, reason, verdict, free))"};

Reservation read_reservation(const Rows& rows, int i) {
    Reservation reservation;
    reservation.state = enum_of<State>(rows.text(i, 2));
    if (!rows.is_null(i, 3)) {
        reservation.reason = enum_of<events::StockRejection>(rows.text(i, 3));
    }
    reservation.reserved_at = rows.optional_instant(i, 4);
    reservation.updated_at = rows.instant(i, 5);
    reservation.items =
        json::read_json<std::vector<Item>>(rows.text(i, 6), json::UnknownMembers::refuse).value();
    return reservation;
}

Product read_product(const Rows& rows, int i) {
    Product product;
    product.name = rows.text(i, 1);
    product.price = {rows.int64(i, 2), Currency::parse(rows.text(i, 3)).value()};
    product.free = rows.int64(i, 4);
    product.reserved = rows.int64(i, 5);
    product.sold = rows.int64(i, 6);
    product.revision = rows.int64(i, 7);
    return product;
}

class PostgresInventoryStore final : public InventoryStore {
public:
    explicit PostgresInventoryStore(postgres::Connection& connection) : connection_(connection) {}

    Reservations load_reservations(std::span<const OrderId> ids) override {
        auto keys = postgres::column_of(ids);
        const Rows rows = connection_.exec(kLoadReservations, Params::of(keys));
        Reservations reservations;
        for (int i = 0; i < rows.size(); ++i) {
            reservations.loaded(rows.id<OrderId>(i, 0), read_reservation(rows, i),
                                rows.int64(i, 1));
        }
        return reservations;
    }

    bool save_reservations(const Reservations& reservations) override {
        const auto changes = reservations.changes();
        return insert(changes.inserts) && update(changes.updates);
    }

    Stock lock_stock(std::span<const std::string_view> ids) override {
        Stock stock;
        if (ids.empty()) return stock;
        auto keys = postgres::column_of(ids);
        const Rows rows = connection_.exec(kLockStock, Params::of(keys));
        for (int i = 0; i < rows.size(); ++i) {
            stock.loaded(std::string(rows.text(i, 0)), read_product(rows, i));
        }
        return stock;
    }

    bool save_stock(const Stock& stock, Instant now) override {
        const auto changes = stock.changes();
        return save(kInsertProducts, changes.inserts, now) &&
               save(kUpdateProducts, changes.updates, now);
    }

    Claims claim(std::span<const std::string_view> keys) override {
        Claims claims;
        const auto busy = outbox::lock_keys(connection_, keys);
        for (const auto key : keys) claims[std::string(key)].busy = busy.contains(key);
        auto wanted = postgres::column_of(keys);
        const Rows rows = connection_.exec(kFindAdjustments, Params::of(wanted));
        for (int i = 0; i < rows.size(); ++i) {
            outbox::Claim<Adjustment>& claim = claims.find(rows.text(i, 0))->second;
            claim.busy = false;  // its answer is committed, even if the key is locked now
            claim.kept = {std::string(rows.text(i, 1)), rows.int64(i, 2),
                          std::string(rows.text(i, 3)), enum_of<Verdict>(rows.text(i, 4)),
                          rows.int64(i, 5)};
        }
        return claims;
    }

    void keep(std::span<const KeptAdjustment> adjustments, Instant now) override {
        Column<std::string_view> keys(adjustments.size()), products, reasons, verdicts;
        Column<std::int64_t> changes, free;
        for (const auto& [key, adjustment] : adjustments) {
            keys.push(key);
            products.push(adjustment->product_id);
            changes.push(adjustment->change);
            reasons.push(adjustment->reason);
            verdicts.push(name_of(adjustment->verdict));
            free.push(adjustment->free);
        }
        connection_.exec(kInsertAdjustments,
                         Params::of(keys, products, changes, reasons, verdicts, free, now));
    }

private:
    using Entries = std::vector<const Reservations::Entry*>;

    bool insert(const Entries& entries) {
        if (entries.empty()) return true;
        Column<OrderId> ids(entries.size());
        Column<std::string_view> states, reasons, items;
        Column<Instant> reserved, updated;
        std::string json;
        for (const auto* entry : entries) {
            const Reservation& row = entry->row;
            ids.push(entry->id);
            states.push(name_of(row.state));
            row.reason ? reasons.push(name_of(*row.reason)) : reasons.push(std::nullopt);
            reserved.push(row.reserved_at);
            updated.push(row.updated_at);
            json.clear();
            json::write_json(row.items, json);
            items.push(json);
        }
        const Rows rows = connection_.exec(
            kInsertReservations, Params::of(ids, states, reasons, reserved, updated, items));
        return rows.affected() == static_cast<std::int64_t>(entries.size());
    }

    bool update(const Entries& entries) {
        if (entries.empty()) return true;
        Column<OrderId> ids(entries.size());
        Column<std::int64_t> versions;
        Column<std::string_view> states;
        Column<Instant> updated;
        for (const auto* entry : entries) {
            ids.push(entry->id);
            versions.push(entry->version);
            states.push(name_of(entry->row.state));
            updated.push(entry->row.updated_at);
        }
        const Rows rows =
            connection_.exec(kUpdateReservations, Params::of(ids, versions, states, updated));
        return rows.affected() == static_cast<std::int64_t>(entries.size());
    }

    bool save(const Statement& statement, const std::vector<Stock::Row>& products, Instant now) {
        if (products.empty()) return true;
        Column<std::string_view> ids(products.size());
        Column<std::string_view> names;
        Column<std::int64_t> prices, free, reserved, sold, revisions;
        Column<Currency> currencies;
        for (const auto& [id, product] : products) {
            ids.push(id);
            names.push(product->name);
            prices.push(product->price.amount);
            currencies.push(product->price.currency);
            free.push(product->free);
            reserved.push(product->reserved);
            sold.push(product->sold);
            revisions.push(product->revision);
        }
        const Rows rows = connection_.exec(
            statement,
            Params::of(ids, names, prices, currencies, free, reserved, sold, revisions, now));
        return rows.affected() == static_cast<std::int64_t>(products.size());
    }

    postgres::Connection& connection_;
};

}  // namespace

std::unique_ptr<InventoryStore> make_inventory_store(postgres::Connection& connection) {
    return std::make_unique<PostgresInventoryStore>(connection);
}

std::optional<Product> find_product(postgres::Connection& connection, const std::string& id) {
    const Rows rows = connection.exec(kFindProduct, Params::of(id));
    if (rows.size() == 0) return std::nullopt;
    return read_product(rows, 0);
}

}  // namespace orderflow::inventory
