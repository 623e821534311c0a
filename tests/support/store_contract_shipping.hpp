#pragma once
// The contract of shipping::ShippingStore. Used by tests/unit/store_contract_test.cpp and
// tests/component/store_contract_test.cpp. One thread.
#include <vector>

#include "shipping/shipping_store.hpp"
#include "support/compare_and_set_contract.hpp"
#include "support/store_contract.hpp"

namespace orderflow::test {

// No shipment, and a storage of kCapacity slots that are all free.
class ShippingStores : public StoreUnderTest<shipping::ShippingStore> {
public:
    static constexpr std::int64_t kCapacity = 3;
};

// See CompareAndSet. What a first event leaves (shipment, destination, time of scheduling, reason)
// stays.
struct ShipmentTable {
    using Stores = ShippingStores;
    using Rows = shipping::Shipments;
    using Row = shipping::Shipment;

    static Rows load(shipping::ShippingStore& store, std::span<const OrderId> ids) {
        return store.load(ids);
    }
    static bool save(shipping::ShippingStore& store, const Rows& rows) {
        return store.save(rows, 0);
    }

    static std::vector<Life<Row>> lives() {
        static const ShipmentId id = new_id<ShipmentId>();
        Row scheduled;
        scheduled.state = shipping::State::SCHEDULED;
        scheduled.shipment_id = id;
        scheduled.tracking_number = shipping::tracking_number(id);
        scheduled.storage_booked = true;
        scheduled.scheduled_at = at(1);
        scheduled.destination = an_order().shipment;
        Row voided = scheduled;
        voided.state = shipping::State::VOIDED;
        voided.storage_booked = false;
        voided.voided_at = at(2);

        Row picked_up = scheduled;
        picked_up.storage_booked = false;
        picked_up.destination.reset();
        Row refused;
        refused.state = shipping::State::REFUSED;
        refused.reason = events::ShipmentRejection::STORAGE_FULL;
        Row cancelled = refused;
        cancelled.state = shipping::State::CANCELLED;
        const Row tombstone;
        return {{scheduled, voided},
                {picked_up, picked_up},
                {refused, cancelled},
                {tombstone, tombstone}};
    }
};

struct StorageContract {
    using Table = CompareAndSet<ShipmentTable>;

    static shipping::Storage lock_storage(ShippingStores& stores) {
        return read(stores, [](shipping::ShippingStore& store) { return store.lock_storage(); });
    }
    static void check_used(ShippingStores& stores, std::int64_t used) {
        const shipping::Storage expected{ShippingStores::kCapacity, used};
        CHECK(lock_storage(stores) == expected);
    }
    // A batch that looks at the storage, and saves these shipments and this change of slots.
    static bool book(ShippingStores& stores, const shipping::Shipments& shipments,
                     std::int64_t change) {
        return saved(stores, [&](shipping::ShippingStore& store) {
            store.lock_storage();
            return store.save(shipments, change);
        });
    }

    static void slots_are_booked_and_freed(ShippingStores& stores) {
        // Given a storage whose slots are free
        check_used(stores, 0);
        // When two are booked with a shipment, and one is freed
        const OrderId id = new_order_id();
        shipping::Shipments shipments;
        shipments.put(id, Table::first());
        CHECK(book(stores, shipments, 2));
        CHECK(book(stores, {}, -1));
        // Then one is used, and the shipment is there
        check_used(stores, 1);
        Table::check_row(stores, id, Table::first(), 1);
        // And a batch that changes no slot leaves them
        CHECK(book(stores, {}, 0));
        check_used(stores, 1);
    }

    static void refused_set_books_nothing(ShippingStores& stores) {
        // Given a shipment that has moved on since it was loaded
        const auto ids = ids_in_order(1);
        Table::insert(stores, ids);
        shipping::Shipments stale = Table::load(stores, ids);
        stale.put(ids[0], Table::later());
        REQUIRE(Table::save(stores, stale));
        // When it is saved with a slot, then both are refused
        CHECK_FALSE(book(stores, stale, 1));
        check_used(stores, 0);
        Table::check_row(stores, ids[0], Table::later(), 2);
    }

    static void locked_storage_is_its_own(ShippingStores& stores) {
        // Given a transaction that has locked the storage
        const auto session = stores.connect();
        session->work().begin();
        CHECK(session->store().lock_storage().used == 0);
        // Then another one cannot lock it, but saves what needs no slot
        check_locked([&] { lock_storage(stores); });
        Table::insert(stores, {new_order_id()});
        // And it gets it, as it was saved, once the transaction has ended
        REQUIRE(session->store().save({}, 1));
        check_locked([&] { lock_storage(stores); });
        session->work().commit({});
        check_used(stores, 1);
    }

    static void rolled_back_slots_are_free(ShippingStores& stores) {
        // Given a transaction that has booked a slot for a shipment
        const OrderId id = new_order_id();
        CHECK_FALSE(saved(stores, [&](shipping::ShippingStore& store) {
            shipping::Shipments shipments;
            shipments.put(id, Table::first());
            store.lock_storage();
            CHECK(store.save(shipments, 1));
            return false;
        }));
        // When it was rolled back, then nothing is left of it
        check_used(stores, 0);
        Table::check_absent(stores, id);
    }

    static constexpr ContractCase<ShippingStores> kCases[] = {
        {"slots are booked and freed with the shipments of their batch",
         slots_are_booked_and_freed},
        {"a set that is refused books no slot", refused_set_books_nothing}};

    static constexpr ContractCase<ShippingStores> kTransactions[] = {
        {"a storage that a transaction has locked is its own until it ends",
         locked_storage_is_its_own},
        {"a transaction that is rolled back books no slot", rolled_back_slots_are_free}};
};

}  // namespace orderflow::test
