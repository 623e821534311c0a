#pragma once
// The orders table: all SQL of the order service, on sets. `SagaStore` is the port that the
// service and the simulator share. Works inside the caller's transaction, on the caller's thread.
// Failures of the database are DatabaseError.
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

using Sagas = outbox::Aggregates<OrderId, Saga>;

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

// SagaStore::load() for readers outside a transaction.
Sagas read_sagas(postgres::Connection& connection, std::span<const OrderId> ids);

// One order as the API shows it; nullopt if there is none.
struct StoredOrder {
    Saga saga;
    std::string body;  // the order block, JSON
};
std::optional<StoredOrder> find_order(postgres::Connection& connection, const OrderId& id);

// A page of orders, newest first.
struct OrderFilter {
    std::optional<std::string> customer_id;
    std::optional<State> state;
    OrderId before;  // only those that were placed before this one
    std::size_t limit = 20;
};
struct OrderSummary {
    OrderId id;
    State state = State::PROCESSING;
    std::optional<events::Reason> reason;
    std::string customer_id;
    Money total;
    Instant placed_at{};
    std::optional<Instant> finished_at;
};
struct OrderPage {
    std::vector<OrderSummary> orders;
    std::optional<OrderId> next;  // the cursor of the next page; empty: there are no more
};
// Reads a bounded number of rows: a page may have fewer orders than the limit and still have a next
// page.
OrderPage list_orders(postgres::Connection& connection, const OrderFilter& filter);

}  // namespace orderflow::order
