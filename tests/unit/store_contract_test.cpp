// The simulator's stores and the fakes keep the contract of those on PostgreSQL, which
// tests/component/store_contract_test.cpp holds to the same cases.

#include <catch2/catch_test_macros.hpp>

#include "support/fakes.hpp"
#include "support/memory_inventory.hpp"
#include "support/memory_keys.hpp"
#include "support/memory_orders.hpp"
#include "support/memory_payments.hpp"
#include "support/store_contract_analytics.hpp"
#include "support/store_contract_inventory.hpp"
#include "support/store_contract_order.hpp"
#include "support/store_contract_payment.hpp"
#include "support/store_contract_shipping.hpp"
#include "unit/simulated_stores.hpp"

namespace orderflow::test {
namespace {

using simulation::Step;

// A fake has one table for all sessions, and no transactions.
template <class Port>
class MemorySession final : public StoreSession<Port> {
public:
    explicit MemorySession(Port& store) : store_(store) {}
    outbox::UnitOfWork& work() override { return work_; }
    Port& store() override { return store_; }

private:
    FakeUnitOfWork work_;
    Port& store_;
};

template <class Base, class Store>
class MemoryStores : public Base {
public:
    using Port = typename Base::Port;

    std::unique_ptr<StoreSession<Port>> connect() override {
        return std::make_unique<MemorySession<Port>>(store);
    }

    Store store;
};

template <class Base, class Store>
class KeyedMemoryStores final : public MemoryStores<Base, Store> {
public:
    std::shared_ptr<void> hold_key(std::string_view key) override {
        this->store.busy.emplace(key);
        return {nullptr, [this](void*) { this->store.busy.clear(); }};
    }
};

using SimulatedSagas =
    SimulatedStores<SagaStores, simulation::SagaStore, simulation::OrderDatabase, Step::deadline>;
using MemorySagas = MemoryStores<SagaStores, MemoryOrders>;

class SimulatedPayments final : public SimulatedStores<PaymentStores, simulation::PaymentStore,
                                                       simulation::PaymentDatabase, Step::consume> {
public:
    std::unique_ptr<StoreSession<payment::PaymentStore>> connect_recovery() override {
        return connect_at(Step::recovery);
    }
};
using MemoryPaymentStores = MemoryStores<PaymentStores, MemoryPayments>;

using SimulatedInventory = SimulatedStores<InventoryStores, simulation::InventoryStore,
                                           simulation::InventoryDatabase, Step::consume>;
using MemoryInventories = KeyedMemoryStores<InventoryStores, MemoryInventory>;

class SimulatedShipping final
    : public SimulatedStores<ShippingStores, simulation::ShippingStore,
                             simulation::ShippingDatabase, Step::consume> {
public:
    SimulatedShipping() { database.tables.storage = {kCapacity, 0}; }
};

class SimulatedTimelines final
    : public SimulatedStores<TimelineStores, simulation::TimelineStore,
                             simulation::AnalyticsDatabase, Step::consume> {
public:
    Totals totals() override {
        Totals text;
        for (const auto& [name, value] : database.tables.totals) text[name] = std::to_string(value);
        return text;
    }
};

}  // namespace

TEST_CASE("order store: the simulator's keeps the contract") {
    check_contract<SimulatedSagas>(CompareAndSet<SagaTable>::kCases);
    check_contract<SimulatedSagas>(CompareAndSet<SagaTable>::kTransactions);
    check_contract<SimulatedSagas>(SagaStoreContract::kCases);
    check_contract<SimulatedSagas>(SagaStoreContract::kTransactions);
}

TEST_CASE("order store: the fake keeps the contract but for transactions") {
    check_contract<MemorySagas>(CompareAndSet<SagaTable>::kCases);
    check_contract<MemorySagas>(SagaStoreContract::kCases);
}

TEST_CASE("order keys: the fake keeps the contract but for transactions") {
    using Keys = KeyedMemoryStores<KeyStores, MemoryKeys>;
    check_contract<Keys>(IdempotencyKeys<RequestKeys>::kCases);
    check_contract<Keys>(KeyStoreContract::kCases);
}

TEST_CASE("payment store: the simulator's keeps the contract") {
    check_contract<SimulatedPayments>(CompareAndSet<PaymentTable>::kCases);
    check_contract<SimulatedPayments>(CompareAndSet<PaymentTable>::kTransactions);
    check_contract<SimulatedPayments>(PaymentStoreContract::kCases);
}

TEST_CASE("payment store: the fake keeps the contract but for transactions") {
    check_contract<MemoryPaymentStores>(CompareAndSet<PaymentTable>::kCases);
    check_contract<MemoryPaymentStores>(PaymentStoreContract::kCases);
}

TEST_CASE("inventory store: the simulator's keeps the contract") {
    check_contract<SimulatedInventory>(CompareAndSet<ReservationTable>::kCases);
    check_contract<SimulatedInventory>(CompareAndSet<ReservationTable>::kTransactions);
    check_contract<SimulatedInventory>(StockContract::kCases);
    check_contract<SimulatedInventory>(StockContract::kTransactions);
    check_contract<SimulatedInventory>(IdempotencyKeys<AdjustmentKeys>::kCases);
    check_contract<SimulatedInventory>(IdempotencyKeys<AdjustmentKeys>::kTransactions);
}

TEST_CASE("inventory store: the fake keeps the contract but for transactions") {
    check_contract<MemoryInventories>(CompareAndSet<ReservationTable>::kCases);
    check_contract<MemoryInventories>(StockContract::kCases);
    check_contract<MemoryInventories>(IdempotencyKeys<AdjustmentKeys>::kCases);
}

TEST_CASE("shipping store: the simulator's keeps the contract") {
    check_contract<SimulatedShipping>(CompareAndSet<ShipmentTable>::kCases);
    check_contract<SimulatedShipping>(CompareAndSet<ShipmentTable>::kTransactions);
    check_contract<SimulatedShipping>(StorageContract::kCases);
    check_contract<SimulatedShipping>(StorageContract::kTransactions);
}

TEST_CASE("timeline store: the simulator's keeps the contract") {
    check_contract<SimulatedTimelines>(CompareAndSet<TimelineTable>::kCases);
    check_contract<SimulatedTimelines>(CompareAndSet<TimelineTable>::kTransactions);
    check_contract<SimulatedTimelines>(CountersContract::kCases);
    check_contract<SimulatedTimelines>(CountersContract::kTransactions);
}

}  // namespace orderflow::test
