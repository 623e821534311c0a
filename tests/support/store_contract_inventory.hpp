#pragma once
// The contract of inventory::InventoryStore. Used by tests/unit/store_contract_test.cpp and
// tests/component/store_contract_test.cpp. One thread.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inventory/inventory_store.hpp"
#include "support/compare_and_set_contract.hpp"
#include "support/request_keys_contract.hpp"
#include "support/store_contract.hpp"

namespace orderflow::test {

using InventoryStores = KeyedStoreUnderTest<inventory::InventoryStore>;

// See CompareAndSet. What a first event leaves (reason, time of reserving, items) stays.
struct ReservationTable {
    using Stores = InventoryStores;
    using Rows = inventory::Reservations;
    using Row = inventory::Reservation;

    static Rows load(inventory::InventoryStore& store, std::span<const OrderId> ids) {
        return store.load_reservations(ids);
    }
    static bool save(inventory::InventoryStore& store, const Rows& rows) {
        return store.save_reservations(rows);
    }

    static Row then(Row row, inventory::State state) {
        row.state = state;
        row.updated_at = at(2);
        return row;
    }
    static std::vector<Life<Row>> lives() {
        Row reserved;
        reserved.reserved_at = reserved.updated_at = at(1);
        reserved.items = {{"LAMP", 1}, {"LAPTOP", 3}};
        Row rejected;
        rejected.state = inventory::State::REJECTED;
        rejected.reason = events::StockRejection::PRICE_MISMATCH;
        rejected.updated_at = at(1);
        Row tombstone;
        tombstone.state = inventory::State::CANCELLED;
        tombstone.updated_at = at(1);
        return {{reserved, then(reserved, inventory::State::SOLD)},
                {reserved, then(reserved, inventory::State::RELEASED)},
                {rejected, then(rejected, inventory::State::CANCELLED)},
                {tombstone, tombstone}};
    }
};

// See IdempotencyKeys.
struct AdjustmentKeys {
    using Stores = InventoryStores;
    using Kept = inventory::Adjustment;

    static std::vector<Kept> kept() {
        return {{"LAPTOP", 5, "counted", inventory::Verdict::ADJUSTED, 15},
                {"LAMP", -7, "broken", inventory::Verdict::TOO_FEW, 0}};
    }
    static void keep(inventory::InventoryStore& store, std::string_view key, const Kept& kept,
                     Instant now) {
        const inventory::KeptAdjustment row{key, &kept};
        store.keep(std::span(&row, 1), now);
    }
    static bool same(const Kept& a, const Kept& b) {
        return a.product_id == b.product_id && a.change == b.change && a.reason == b.reason &&
               a.verdict == b.verdict && a.free == b.free;
    }
};

struct StockContract {
    using Names = std::vector<std::string_view>;

    static inventory::Product laptop() { return {"Laptop", {1500, {}}, 10, 2, 7}; }
    static inventory::Product lamp() { return {"Lamp", {700, {}}, 0, 0, 0}; }
    // Each member has another value than those of laptop().
    static inventory::Product changed() {
        return {"Laptop 2", {15, *Currency::parse("USD")}, 9, 3, 8, 2};
    }

    static bool put(InventoryStores& stores,
                    const std::vector<std::pair<std::string, inventory::Product>>& products) {
        return saved(stores, [&](inventory::InventoryStore& store) {
            inventory::Stock stock;
            for (const auto& [id, product] : products) stock.put(id, product);
            return store.save_stock(stock, at(1));
        });
    }
    static void check_product(InventoryStores& stores, std::string_view id,
                              const std::optional<inventory::Product>& product) {
        CAPTURE(id);
        const auto stock = read(
            stores, [&](inventory::InventoryStore& store) { return store.lock_stock(Names{id}); });
        REQUIRE((stock.find(id) != nullptr) == product.has_value());
        if (product) CHECK(*stock.find(id) == *product);
    }

    static void known_products_are_found(InventoryStores& stores) {
        // Given products, saved as one set
        REQUIRE(put(stores, {{"LAPTOP", laptop()}, {"LAMP", lamp()}, {"MOUSE", lamp()}}));
        // When some of them are locked, in no order, one of them twice, with an unknown one
        const auto stock = read(stores, [](inventory::InventoryStore& store) {
            return store.lock_stock(Names{"LAPTOP", "TABLE", "LAMP", "LAPTOP"});
        });
        // Then they are there as they were saved, and the others are left out
        REQUIRE(stock.find("LAPTOP"));
        REQUIRE(stock.find("LAMP"));
        CHECK(*stock.find("LAPTOP") == laptop());
        CHECK(*stock.find("LAMP") == lamp());
        CHECK_FALSE(stock.find("TABLE"));
        CHECK_FALSE(stock.find("MOUSE"));
        // And nothing is changed yet
        CHECK(stock.changes().inserts.empty());
        CHECK(stock.changes().updates.empty());
    }

    static void no_product_is_locked(InventoryStores& stores) {
        // Given a batch that touches no product, then it locks and saves none
        CHECK(saved(stores, [](inventory::InventoryStore& store) {
            return store.save_stock(store.lock_stock({}), at(1));
        }));
    }

    static void changed_products_are_saved(InventoryStores& stores) {
        // Given two products
        REQUIRE(put(stores, {{"LAPTOP", laptop()}, {"LAMP", lamp()}}));
        // When one is changed, and one is added
        REQUIRE(saved(stores, [](inventory::InventoryStore& store) {
            inventory::Stock stock = store.lock_stock(Names{"LAMP", "LAPTOP"});
            stock.put("LAPTOP", changed());
            stock.put("MOUSE", lamp());
            return store.save_stock(stock, at(2));
        }));
        // Then all of it is there, and the other one is what it was
        check_product(stores, "LAPTOP", changed());
        check_product(stores, "LAMP", lamp());
        check_product(stores, "MOUSE", lamp());
    }

    static void existing_product_is_not_inserted(InventoryStores& stores) {
        // Given a product
        REQUIRE(put(stores, {{"LAPTOP", laptop()}}));
        // When somebody who does not know it inserts it, between two new ones
        // Then the whole set is refused, and the product is what it was
        CHECK_FALSE(put(stores, {{"LAMP", lamp()}, {"LAPTOP", changed()}, {"MOUSE", lamp()}}));
        check_product(stores, "LAPTOP", laptop());
        check_product(stores, "LAMP", std::nullopt);
        check_product(stores, "MOUSE", std::nullopt);
    }

    static void locked_products_are_its_own(InventoryStores& stores) {
        // Given a transaction that has locked one of two products
        REQUIRE(put(stores, {{"LAPTOP", laptop()}, {"LAMP", lamp()}}));
        const auto session = stores.connect();
        session->work().begin();
        inventory::Stock stock = session->store().lock_stock(Names{"LAPTOP"});
        // Then another one gets the other product, and not this one
        check_product(stores, "LAMP", lamp());
        check_locked([&] { check_product(stores, "LAPTOP", laptop()); });
        // And it gets this one, as it was saved, once the transaction has ended
        stock.apply({"LAPTOP", -1, 1, 0});
        REQUIRE(session->store().save_stock(stock, at(2)));
        check_locked([&] { check_product(stores, "LAPTOP", laptop()); });
        session->work().commit({});
        inventory::Product reserved = laptop();
        reserved.free -= 1;
        reserved.reserved += 1;
        check_product(stores, "LAPTOP", reserved);
    }

    static void inserted_product_is_its_own(InventoryStores& stores) {
        // Given a transaction that has inserted a product
        inventory::Stock stock;
        stock.put("LAPTOP", laptop());
        const auto session = stores.connect();
        session->work().begin();
        REQUIRE(session->store().save_stock(stock, at(1)));
        // Then nobody else sees it, and nobody can insert it
        check_product(stores, "LAPTOP", std::nullopt);
        check_locked([&] { put(stores, {{"LAPTOP", changed()}}); });
        // And who comes after the commit is refused
        session->work().commit({});
        CHECK_FALSE(put(stores, {{"LAPTOP", changed()}}));
        check_product(stores, "LAPTOP", laptop());
    }

    static void rolled_back_stock_is_gone(InventoryStores& stores) {
        // Given a transaction that has changed a product and inserted another one
        REQUIRE(put(stores, {{"LAPTOP", laptop()}}));
        CHECK_FALSE(saved(stores, [](inventory::InventoryStore& store) {
            inventory::Stock stock = store.lock_stock(Names{"LAPTOP"});
            stock.put("LAPTOP", changed());
            stock.put("LAMP", lamp());
            CHECK(store.save_stock(stock, at(2)));
            return false;
        }));
        // When it was rolled back, then nothing is left of it
        check_product(stores, "LAPTOP", laptop());
        check_product(stores, "LAMP", std::nullopt);
    }

    static constexpr ContractCase<InventoryStores> kCases[] = {
        {"products are locked as they were saved, without unknown ones", known_products_are_found},
        {"a batch without products locks and saves none", no_product_is_locked},
        {"what changed of a stock is saved, and nothing else", changed_products_are_saved},
        {"an insert of a product that exists is refused with its whole set",
         existing_product_is_not_inserted}};

    static constexpr ContractCase<InventoryStores> kTransactions[] = {
        {"products that a transaction has locked are its own until it ends",
         locked_products_are_its_own},
        {"a product that a transaction has inserted is its own until it ends",
         inserted_product_is_its_own},
        {"a transaction that is rolled back leaves the stock as it was",
         rolled_back_stock_is_gone}};
};

}  // namespace orderflow::test
