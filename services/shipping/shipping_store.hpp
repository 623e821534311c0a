#pragma once
// The shipments and the storage row: all SQL of the shipping service, on sets. `ShippingStore` is
// the port that the service and the simulator share. Works inside the caller's transaction, on the
// caller's thread. Failures of the database are DatabaseError.
#include <memory>
#include <optional>
#include <span>

#include "outbox/aggregates.hpp"
#include "postgres/connection.hpp"
#include "shipping/shipping.hpp"

namespace orderflow::shipping {

using Shipments = outbox::Aggregates<OrderId, Shipment>;

class ShippingStore {
public:
    virtual ~ShippingStore() = default;
    virtual Shipments load(std::span<const OrderId> ids) = 0;
    // Locks the one storage row until the transaction ends. Locks are taken in the order storage,
    // shipments, outbox, so that batches do not deadlock.
    virtual Storage lock_storage() = 0;
    // Saves what changed. `storage_change` (slots) must be 0 unless the storage was locked. False:
    // another transaction has inserted one of the rows, or has changed it since it was loaded.
    virtual bool save(const Shipments& shipments, std::int64_t storage_change) = 0;
};

std::unique_ptr<ShippingStore> make_shipping_store(postgres::Connection& connection);

// Creates the storage row or gives it a new capacity (slots); at start, before any batch.
void set_storage_capacity(postgres::Connection& connection, std::int64_t capacity);

// One order's shipment; nullopt if the order has no row in shipping.
std::optional<Shipment> find_shipment(postgres::Connection& connection, const OrderId& id);

}  // namespace orderflow::shipping
