#pragma once
// The tables reservations, products and adjustments: all SQL of the inventory service, on sets.
// `InventoryStore` is the port that the service and the simulator share. Works inside the caller's
// transaction, on the caller's thread. Failures of the database are DatabaseError.
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "inventory/inventory.hpp"
#include "outbox/aggregates.hpp"
#include "outbox/command.hpp"
#include "postgres/connection.hpp"

namespace orderflow::inventory {

using Reservations = outbox::Aggregates<OrderId, Reservation>;

// A stock adjustment that was requested under an Idempotency-Key, and its outcome.
struct Adjustment {
    std::string product_id;
    std::int64_t change = 0;
    std::string reason;
    Verdict verdict{};
    std::int64_t free = 0;  // free pieces of the product after the adjustment
};
using Claims = outbox::Claims<Adjustment>;
using KeptAdjustment = outbox::KeptKey<Adjustment>;

// Adjustments and their keys are stored for good. That is why the store is a KeyStore of its own,
// and does not use request_keys.
class InventoryStore : public outbox::KeyStore<Adjustment> {
public:
    // Takes no lock: saving is compare-and-set.
    virtual Reservations load_reservations(std::span<const OrderId> ids) = 0;
    // False: another transaction has inserted one of the rows, or has changed it since it was
    // loaded.
    virtual bool save_reservations(const Reservations& reservations) = 0;

    // Locks the rows in id order until the transaction ends; products that do not exist are left
    // out. `ids` may be empty and may hold doubles. At most once per transaction: a second call
    // could lock against the order.
    virtual Stock lock_stock(std::span<const std::string_view> ids) = 0;
    // Saves the changes of a locked stock. False: another transaction has inserted one of the new
    // products.
    virtual bool save_stock(const Stock& stock, Instant now) = 0;
};

std::unique_ptr<InventoryStore> make_inventory_store(postgres::Connection& connection);

// One product as the API shows it; nullopt if there is none.
std::optional<Product> find_product(postgres::Connection& connection, const std::string& id);

}  // namespace orderflow::inventory
