#include "shipping/shipping_store.hpp"

#include <stdexcept>

#include "core/enums.hpp"
#include "json/json.hpp"

namespace orderflow::shipping {
namespace {

using postgres::Column;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

#define SHIPMENT_COLUMNS                                                               \
    "order_id, version, state, reason, shipment_id, tracking_number, storage_booked, " \
    "scheduled_at, voided_at, destination"

const Statement kLoad{"shipments_load", "SELECT " SHIPMENT_COLUMNS
                                        " FROM shipments WHERE order_id = ANY ($1::uuid[])"};
const Statement kFind{"shipments_find",
                      "SELECT " SHIPMENT_COLUMNS " FROM shipments WHERE order_id = $1::uuid"};
#undef SHIPMENT_COLUMNS

const Statement kInsert{"shipments_insert", R"(
    INSERT INTO shipments (order_id, version, state, reason, shipment_id, tracking_number,
                           storage_booked, scheduled_at, voided_at, destination)
    SELECT order_id, 1, state, reason, shipment_id, tracking_number, storage_booked, scheduled_at,
           voided_at, destination
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::boolean[],
                $7::timestamptz[], $8::timestamptz[], $9::text[])
         AS new(order_id, state, reason, shipment_id, tracking_number, storage_booked,
                scheduled_at, voided_at, destination)
    ON CONFLICT DO NOTHING)"};

// Columns that no rule changes after the insert (shipment, destination, scheduled_at) are not sent.
const Statement kUpdate{"shipments_update", R"(
    UPDATE shipments s
    SET version = s.version + 1, state = new.state, storage_booked = new.storage_booked,
        voided_at = new.voided_at
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::boolean[], $5::timestamptz[])
         AS new(order_id, version, state, storage_booked, voided_at)
    WHERE s.order_id = new.order_id AND s.version = new.version)"};

const Statement kLockStorage{"storage_lock", "SELECT capacity, used FROM storage FOR UPDATE"};
const Statement kChangeStorage{"storage_change", "UPDATE storage SET used = used + $1::bigint"};
const Statement kSetCapacity{"storage_capacity", R"(
    INSERT INTO storage (capacity) VALUES ($1::bigint)
    ON CONFLICT (one) DO UPDATE SET capacity = excluded.capacity
    WHERE storage.capacity <> excluded.capacity)"};

Shipment read_shipment(const Rows& rows, int i) {
    Shipment shipment;
    shipment.state = enum_of<State>(rows.text(i, 2));
    if (!rows.is_null(i, 3)) {
        shipment.reason = enum_of<events::ShipmentRejection>(rows.text(i, 3));
    }
    if (!rows.is_null(i, 4)) shipment.shipment_id = rows.id<ShipmentId>(i, 4);
    if (!rows.is_null(i, 5)) shipment.tracking_number = rows.text(i, 5);
    shipment.storage_booked = rows.boolean(i, 6);
    shipment.scheduled_at = rows.optional_instant(i, 7);
    shipment.voided_at = rows.optional_instant(i, 8);
    if (!rows.is_null(i, 9)) {
        shipment.destination =
            json::read_json<events::Destination>(rows.text(i, 9), json::UnknownMembers::ignore)
                .value();
    }
    return shipment;
}

class PostgresShippingStore final : public ShippingStore {
public:
    explicit PostgresShippingStore(postgres::Connection& connection) : connection_(connection) {}

    Shipments load(std::span<const OrderId> ids) override {
        auto keys = postgres::column_of(ids);
        const Rows rows = connection_.exec(kLoad, Params::of(keys));
        Shipments shipments;
        for (int i = 0; i < rows.size(); ++i) {
            shipments.loaded(rows.id<OrderId>(i, 0), read_shipment(rows, i), rows.int64(i, 1));
        }
        return shipments;
    }

    Storage lock_storage() override {
        const Rows rows = connection_.exec(kLockStorage);
        if (rows.size() != 1) throw std::logic_error("storage: must have one row");
        return {rows.int64(0, 0), rows.int64(0, 1)};
    }

    bool save(const Shipments& shipments, std::int64_t storage_change) override {
        const auto changes = shipments.changes();
        if (!insert(changes.inserts) || !update(changes.updates)) return false;
        if (storage_change != 0) connection_.exec(kChangeStorage, Params::of(storage_change));
        return true;
    }

private:
    using Entries = std::vector<const Shipments::Entry*>;

    bool insert(const Entries& entries) {
        if (entries.empty()) return true;
        Column<OrderId> ids(entries.size());
        Column<std::string_view> states, reasons, tracking_numbers, destinations;
        Column<ShipmentId> shipment_ids;
        Column<bool> storage_booked;
        Column<Instant> scheduled, voided;
        std::string json;
        for (const Shipments::Entry* entry : entries) {
            const Shipment& shipment = entry->row;
            ids.push(entry->id);
            states.push(name_of(shipment.state));
            if (shipment.reason) {
                reasons.push(name_of(*shipment.reason));
            } else {
                reasons.push(std::nullopt);
            }
            shipment_ids.push(shipment.shipment_id);
            tracking_numbers.push(shipment.tracking_number);
            storage_booked.push(shipment.storage_booked);
            scheduled.push(shipment.scheduled_at);
            voided.push(shipment.voided_at);
            if (shipment.destination) {
                json.clear();
                json::write_json(*shipment.destination, json);
                destinations.push(json);
            } else {
                destinations.push(std::nullopt);
            }
        }
        const Rows rows = connection_.exec(
            kInsert, Params::of(ids, states, reasons, shipment_ids, tracking_numbers,
                                storage_booked, scheduled, voided, destinations));
        return rows.affected() == static_cast<std::int64_t>(entries.size());
    }

    bool update(const Entries& entries) {
        if (entries.empty()) return true;
        Column<OrderId> ids(entries.size());
        Column<std::int64_t> versions;
        Column<std::string_view> states;
        Column<bool> storage_booked;
        Column<Instant> voided;
        for (const Shipments::Entry* entry : entries) {
            ids.push(entry->id);
            versions.push(entry->version);
            states.push(name_of(entry->row.state));
            storage_booked.push(entry->row.storage_booked);
            voided.push(entry->row.voided_at);
        }
        const Rows rows =
            connection_.exec(kUpdate, Params::of(ids, versions, states, storage_booked, voided));
        return rows.affected() == static_cast<std::int64_t>(entries.size());
    }

    postgres::Connection& connection_;
};

}  // namespace

std::unique_ptr<ShippingStore> make_shipping_store(postgres::Connection& connection) {
    return std::make_unique<PostgresShippingStore>(connection);
}

void set_storage_capacity(postgres::Connection& connection, std::int64_t capacity) {
    connection.exec(kSetCapacity, Params::of(capacity));
}

std::optional<Shipment> find_shipment(postgres::Connection& connection, const OrderId& id) {
    const Rows rows = connection.exec(kFind, Params::of(id));
    if (rows.size() == 0) return std::nullopt;
    return read_shipment(rows, 0);
}

}  // namespace orderflow::shipping
