#pragma once
// The orders table: what handlers, commands and the deadline do with it, on sets. `SagaStore` is
// the port that the service and the simulator share. Works inside the caller's transaction, on the
// caller's thread. Failures of the database are DatabaseError. orders_store.hpp has the queries
// of the API.
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "outbox/aggregates.hpp"
#include "order/saga/saga.hpp"
#include "postgres/connection.hpp"

namespace orderflow::order {

using Ledgers = std::map<OrderId, std::vector<LedgerEntry>>;

// The order as placed, for a row that does not exist yet. The pointer must outlive the call.
struct NewOrder {
    OrderId id;
    Saga saga;
    const events::Order* order = nullptr;
};

// The PROCESSING orders in a range of consecutive rows, and the last of these rows.
struct ProcessingPage {
    std::vector<OrderId> processing;
    std::optional<OrderId> last;  // empty: there are no rows in the range
};

class SagaStore {
public:
    virtual ~SagaStore() = default;
    virtual Sagas load(std::span<const OrderId> ids) = 0;
    // Returns the events of these orders in the service's own ledger, in its order.
    virtual Ledgers ledgers(std::span<const OrderId> ids) = 0;
    // False: an order of that id exists already.
    virtual bool insert(std::span<const NewOrder> orders) = 0;
    // Saves the changed rows that are stored already. False: another transaction has changed one of
    // them since it was loaded.
    virtual bool update(const Sagas& sagas) = 0;
    // Reads up to `limit` rows with after < id <= upto, in id order.
    virtual ProcessingPage scan_processing(const OrderId& after, const OrderId& upto,
                                           std::int64_t limit) = 0;
};

std::unique_ptr<SagaStore> make_saga_store(postgres::Connection& connection);

// SagaStore::load() for readers outside a transaction; a ReadSagas.
Sagas read_sagas(postgres::Connection& connection, std::span<const OrderId> ids);

// For other queries of sagas (orders_store.cpp): the columns that a query selects first, and
// the saga in a row of its result.
inline constexpr char kSagaColumns[] =
    "order_id, version, state, reason, answers, undone, reserved_at, captured_at, cancelling_at, "
    "finished_at, inventory_answered_at, payment_answered_at, shipping_answered_at, recreated_at, "
    "shipment_id, placed_at, customer_id, total, currency";
inline constexpr int kSagaColumnCount = 19;
Saga read_saga(const postgres::Rows& rows, int row);

}  // namespace orderflow::order
