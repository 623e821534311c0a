#pragma once
// What the contract suites of the stores have in common. A suite is a list of cases that every
// implementation of a port has to pass: the one on PostgreSQL (tests/component), the simulator's
// and the fakes in memory (tests/unit). So what the simulator proves and what a unit test shows
// over a fake holds for the service on PostgreSQL. One thread.
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "outbox/unit_of_work.hpp"
#include "postgres/error.hpp"
#include "support/builders.hpp"

namespace orderflow::test {

// One connection to the tables under test: its transactions, and the store that works in them.
template <class Store>
class StoreSession {
public:
    virtual ~StoreSession() = default;
    virtual outbox::UnitOfWork& work() = 0;
    virtual Store& store() = 0;
};

// One implementation of a port. Its tables are empty at first.
template <class Store>
class StoreUnderTest {
public:
    using Port = Store;
    virtual ~StoreUnderTest() = default;
    virtual std::unique_ptr<StoreSession<Store>> connect() = 0;
};

// One with a table of idempotency keys.
template <class Store>
class KeyedStoreUnderTest : public StoreUnderTest<Store> {
public:
    // Another transaction claims the key. It ends with the returned object.
    virtual std::shared_ptr<void> hold_key(std::string_view key) {
        std::shared_ptr<StoreSession<Store>> other = this->connect();
        other->work().begin();
        other->store().claim(std::span(&key, 1));
        return other;
    }
};

// A case of a suite, named by its outcome.
template <class Stores>
struct ContractCase {
    const char* outcome;
    void (*check)(Stores& stores);
};

// Checks each case on empty tables.
template <class Stores, class Cases>
void check_contract(const Cases& cases) {
    for (const auto& contract_case : cases) {
        DYNAMIC_SECTION(contract_case.outcome) {
            Stores stores;
            contract_case.check(stores);
        }
    }
}

// Runs `change` in a transaction of its own and returns its result. True: the transaction is
// committed. False: it is rolled back, as the services do after a lost compare-and-set.
template <class Stores, class Change>
bool saved(Stores& stores, Change change) {
    const auto session = stores.connect();
    session->work().begin();
    const bool done = change(session->store());
    if (done) {
        session->work().commit({});
    } else {
        session->work().rollback();
    }
    return done;
}

// Returns what `read` finds in a transaction of its own.
template <class Stores, class Read>
auto read(Stores& stores, Read read) {
    const auto session = stores.connect();
    session->work().begin();
    auto found = read(session->store());
    session->work().rollback();
    return found;
}

// Checks that `change` fails in the way that its caller tries again, as for a row that another
// transaction has locked: by a lock timeout or a deadlock.
template <class Change>
void check_locked(Change change) {
    try {
        change();
        FAIL_CHECK("the row was not locked");
    } catch (const postgres::DatabaseError& error) {
        CHECK(error.transient());
        CHECK_FALSE(error.connection_lost());
    }
}

// Ids in the order in which they sort.
inline std::vector<OrderId> ids_in_order(int count) {
    IdSource source;
    std::vector<OrderId> ids;
    for (int i = 0; i < count; ++i) ids.push_back(source.next<OrderId>(at(i)));
    return ids;
}

}  // namespace orderflow::test
