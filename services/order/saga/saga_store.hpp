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

#include "core/digest.hpp"
#include "outbox/aggregates.hpp"
#include "order/saga/saga.hpp"
#include "postgres/connection.hpp"

namespace orderflow::order {

using Sagas = outbox::Aggregates<OrderId, Saga>;

using Ledgers = std::map<OrderId, std::vector<Said>>;

// The order as placed, for a row that does not exist yet. The pointer must outlive the call.
struct NewOrder {
    OrderId id;
    Saga saga;
    const events::Order* order = nullptr;
};

// The PROCESSING ones among a number of rows that follow each other, and the last of these rows.
struct ProcessingPage {
    std::vector<OrderId> processing;
    std::optional<OrderId> last;  // empty: there are no rows in the range
};

class SagaStore {
public:
    virtual ~SagaStore() = default;
    virtual Sagas load(std::span<const OrderId> ids) = 0;
    // What the service's own ledger says of these orders, in its order.
    virtual Ledgers ledgers(std::span<const OrderId> ids) = 0;
    // False: an order of that id exists already.
    virtual bool insert(std::span<const NewOrder> orders) = 0;
    // Saves the changed rows that are stored already; false: a version had moved on.
    virtual bool update(const Sagas& sagas) = 0;
    // Looks at up to `limit` rows with after < id <= upto, in id order.
    virtual ProcessingPage scan_processing(const OrderId& after, const OrderId& upto,
                                           std::int64_t limit) = 0;
};

std::unique_ptr<SagaStore> make_saga_store(postgres::Connection& connection);

// SagaStore::load() for readers outside a transaction.
Sagas read_sagas(postgres::Connection& connection, std::span<const OrderId> ids);

// What a request came to that carried an Idempotency-Key.
struct KeptAnswer {
    OrderId order_id;
    std::optional<State> answer;    // of a cancellation
    std::optional<Digest> request;  // of a placement: what was asked for
};

struct KeptKey {
    std::string_view key;
    KeptAnswer kept;
};

struct Claim {
    bool busy = false;  // another transaction under way has it
    std::optional<KeptAnswer> kept;
};
using Claims = std::map<std::string, Claim, std::less<>>;

// The table of keys. Works inside the caller's transaction, but for expire().
class KeyStore {
public:
    virtual ~KeyStore() = default;
    // What is known of each key. The others are this transaction's until it ends; never waits.
    virtual Claims claim(std::span<const std::string_view> keys) = 0;
    // Of keys that were claimed and not kept. Their age counts from `now` by the database's clock
    // or from now by this process's, whichever is later: one that is behind shortens no life.
    virtual void keep(std::span<const KeptKey> keys, Instant now) = 0;
    // The database's clock.
    virtual Instant clock() = 0;
    // Forgets up to 10,000 of the keys that were kept before `time`, in its own transaction.
    virtual void expire(Instant time) = 0;
};

std::unique_ptr<KeyStore> make_key_store(postgres::Connection& connection);

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
    std::optional<OrderId> next;  // to go on before; empty: there are no more
};
// Looks at a bounded number of rows: a page may hold less than the limit and yet have a next one.
OrderPage list_orders(postgres::Connection& connection, const OrderFilter& filter);

}  // namespace orderflow::order
