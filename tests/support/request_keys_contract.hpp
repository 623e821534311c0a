#pragma once
// The part of the stores' contract that is about idempotency keys: the same cases for every port
// that claims and keeps them. Used by store_contract_<service>.hpp. One thread.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/store_contract.hpp"

namespace orderflow::test {

// The cases of the idempotency keys, for every port that has them. `Table` describes the port:
//   Stores                                             its KeyedStoreUnderTest
//   Kept                                               what a key came to
//   std::vector<Kept> kept()                           values of every kind
//   void keep(Port&, std::string_view key, const Kept&, Instant now)
//   bool same(const Kept&, const Kept&)
template <class Table>
struct IdempotencyKeys {
    using Stores = typename Table::Stores;
    using Port = typename Stores::Port;
    using Kept = typename Table::Kept;

    static auto claim(Port& store, std::string_view key) {
        return store.claim(std::span(&key, 1)).at(std::string(key));
    }
    static auto claim(Stores& stores, std::string_view key) {
        return read(stores, [&](Port& store) { return claim(store, key); });
    }
    static void keep(Stores& stores, std::string_view key, const Kept& kept) {
        REQUIRE(saved(stores, [&](Port& store) {
            CHECK_FALSE(claim(store, key).kept);
            Table::keep(store, key, kept, at(0));
            return true;
        }));
    }
    static void check_kept(Stores& stores, std::string_view key, const Kept& kept) {
        const auto found = claim(stores, key);
        CHECK_FALSE(found.busy);
        REQUIRE(found.kept);
        CHECK(Table::same(*found.kept, kept));
    }
    static void check_free(Stores& stores, std::string_view key) {
        const auto found = claim(stores, key);
        CHECK_FALSE(found.busy);
        CHECK_FALSE(found.kept);
    }

    static void kept_keys_are_found(Stores& stores) {
        // Given keys that came to something
        const auto kept = Table::kept();
        std::vector<std::string> keys;
        for (std::size_t i = 0; i < kept.size(); ++i) {
            keys.push_back("key-" + std::to_string(i));
            keep(stores, keys[i], kept[i]);
        }
        // When they are claimed together with one that was not used
        const auto claims = read(stores, [&](Port& store) {
            std::vector<std::string_view> wanted(keys.begin(), keys.end());
            wanted.push_back("key-unused");
            return store.claim(wanted);
        });
        // Then each has what it came to, and none is busy
        CHECK(claims.size() == keys.size() + 1);
        for (std::size_t i = 0; i < kept.size(); ++i) {
            CAPTURE(i);
            REQUIRE(claims.at(keys[i]).kept);
            CHECK(Table::same(*claims.at(keys[i]).kept, kept[i]));
        }
        CHECK_FALSE(claims.at("key-unused").kept);
        for (const auto& [key, claim] : claims) CHECK_FALSE(claim.busy);
    }

    static void held_key_is_busy(Stores& stores) {
        // Given a transaction under way that has claimed a key
        auto other = stores.hold_key("key-held");
        // Then that key is busy, another one is not
        CHECK(claim(stores, "key-held").busy);
        check_free(stores, "key-other");
        // And once the transaction has ended, it is free
        other.reset();
        check_free(stores, "key-held");
    }

    static void kept_key_is_not_busy(Stores& stores) {
        // Given a key that came to something, and a transaction under way that has claimed it
        const Kept kept = Table::kept().front();
        keep(stores, "key-kept", kept);
        const auto other = stores.hold_key("key-kept");
        // Then what it came to is found at once
        check_kept(stores, "key-kept", kept);
    }

    static void rolled_back_key_is_free(Stores& stores) {
        // Given a transaction that has kept a key and is rolled back
        CHECK_FALSE(saved(stores, [](Port& store) {
            claim(store, "key-lost");
            Table::keep(store, "key-lost", Table::kept().front(), at(0));
            return false;
        }));
        // Then the key is as before
        check_free(stores, "key-lost");
    }

    // One transaction after the other: every implementation.
    static constexpr ContractCase<Stores> kCases[] = {
        {"a key that was kept is found with what it came to, an unused one is free",
         kept_keys_are_found},
        {"a key that another transaction has claimed is busy until it ends", held_key_is_busy},
        {"a key that was kept is not busy, whoever has claimed it", kept_key_is_not_busy}};

    // Implementations that have transactions.
    static constexpr ContractCase<Stores> kTransactions[] = {
        {"a key of a transaction that was rolled back is free", rolled_back_key_is_free}};
};

}  // namespace orderflow::test
