// The stores on PostgreSQL keep the contract that the simulator's and the fakes keep in
// tests/unit/store_contract_test.cpp.

#include <catch2/catch_test_macros.hpp>

#include "analytics/timeline/figures_store.hpp"
#include "component/subjects.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/relay_feed.hpp"
#include "support/database.hpp"
#include "support/store_contract_analytics.hpp"
#include "support/store_contract_inventory.hpp"
#include "support/store_contract_order.hpp"
#include "support/store_contract_payment.hpp"
#include "support/store_contract_shipping.hpp"

namespace orderflow::test {
namespace {

using events::Service;

template <class Port, auto make_store>
class PostgresSession final : public StoreSession<Port> {
public:
    PostgresSession(const std::string& url, Service service)
        : connection_(url), work_(connection_, service, relay_feed_) {
        connection_.script("SET lock_timeout = '100ms'");  // who has to wait need not wait long
    }

    outbox::UnitOfWork& work() override { return work_; }
    Port& store() override { return *store_; }

private:
    postgres::Connection connection_;
    outbox::RelayFeed relay_feed_;
    outbox::PostgresUnitOfWork work_;
    const std::unique_ptr<Port> store_ = make_store(connection_);
};

// Implements `Base`, a StoreUnderTest, on a database of its own.
template <class Base, auto make_store, Service service>
class PostgresStores : public Base {
public:
    using Port = typename Base::Port;

    std::unique_ptr<StoreSession<Port>> connect() override {
        return std::make_unique<PostgresSession<Port, make_store>>(database.url(), service);
    }

    TestDatabase database{service, subject(service).migrations};
};

class PostgresShipping final
    : public PostgresStores<ShippingStores, shipping::make_shipping_store, Service::shipping> {
public:
    PostgresShipping() {
        postgres::Connection connection(database.url());
        shipping::set_storage_capacity(connection, kCapacity);
    }
};

class PostgresTimelines final
    : public PostgresStores<TimelineStores, analytics::make_timeline_store, Service::analytics> {
public:
    Totals totals() override {
        postgres::Connection connection(database.url());
        const auto totals = analytics::read_figures(connection).totals;
        return {totals.begin(), totals.end()};
    }
};

}  // namespace

TEST_CASE("order store: PostgreSQL's keeps the contract") {
    using Sagas = PostgresStores<SagaStores, order::make_saga_store, Service::order>;
    check_contract<Sagas>(CompareAndSet<SagaTable>::kCases);
    check_contract<Sagas>(CompareAndSet<SagaTable>::kTransactions);
    check_contract<Sagas>(SagaStoreContract::kCases);
    check_contract<Sagas>(SagaStoreContract::kTransactions);
}

TEST_CASE("order keys: PostgreSQL's keep the contract") {
    using Keys = PostgresStores<KeyStores, outbox::make_request_keys, Service::order>;
    check_contract<Keys>(IdempotencyKeys<RequestKeys>::kCases);
    check_contract<Keys>(IdempotencyKeys<RequestKeys>::kTransactions);
    check_contract<Keys>(KeyStoreContract::kCases);
}

TEST_CASE("payment store: PostgreSQL's keeps the contract") {
    using Payments = PostgresStores<PaymentStores, payment::make_payment_store, Service::payment>;
    check_contract<Payments>(CompareAndSet<PaymentTable>::kCases);
    check_contract<Payments>(CompareAndSet<PaymentTable>::kTransactions);
    check_contract<Payments>(PaymentStoreContract::kCases);
}

TEST_CASE("inventory store: PostgreSQL's keeps the contract") {
    using Inventory =
        PostgresStores<InventoryStores, inventory::make_inventory_store, Service::inventory>;
    check_contract<Inventory>(CompareAndSet<ReservationTable>::kCases);
    check_contract<Inventory>(CompareAndSet<ReservationTable>::kTransactions);
    check_contract<Inventory>(StockContract::kCases);
    check_contract<Inventory>(StockContract::kTransactions);
    check_contract<Inventory>(IdempotencyKeys<AdjustmentKeys>::kCases);
    check_contract<Inventory>(IdempotencyKeys<AdjustmentKeys>::kTransactions);
}

TEST_CASE("shipping store: PostgreSQL's keeps the contract") {
    check_contract<PostgresShipping>(CompareAndSet<ShipmentTable>::kCases);
    check_contract<PostgresShipping>(CompareAndSet<ShipmentTable>::kTransactions);
    check_contract<PostgresShipping>(StorageContract::kCases);
    check_contract<PostgresShipping>(StorageContract::kTransactions);
}

TEST_CASE("timeline store: PostgreSQL's keeps the contract") {
    check_contract<PostgresTimelines>(CompareAndSet<TimelineTable>::kCases);
    check_contract<PostgresTimelines>(CompareAndSet<TimelineTable>::kTransactions);
    check_contract<PostgresTimelines>(CountersContract::kCases);
    check_contract<PostgresTimelines>(CountersContract::kTransactions);
}

}  // namespace orderflow::test
