#pragma once
// The part of the stores' contract that is about versioned rows and compare-and-set: the same cases
// for every port that saves outbox::Aggregates. Used by store_contract_<service>.hpp. One thread.
#include <cstdint>
#include <vector>

#include "support/store_contract.hpp"

namespace orderflow::test {

// The cases of compare-and-set, for every port that saves versioned rows. `Table` describes the
// port:
//   Stores                            its StoreUnderTest
//   Rows                              its outbox::Aggregates
//   Row                               the type of one row
//   Rows load(Port&, ids)
//   bool save(Port&, const Rows&)
//   std::vector<Life> lives()         rows as a first event leaves them, and as a later one does:
//                                     each member that an update saves has another value there
template <class Row>
struct Life {
    Row first;
    Row later;
};

template <class Table>
struct CompareAndSet {
    using Stores = typename Table::Stores;
    using Port = typename Stores::Port;
    using Rows = typename Table::Rows;
    using Row = typename Table::Row;

    static Row first() { return Table::lives().front().first; }
    static Row later() { return Table::lives().front().later; }

    static Rows load(Stores& stores, const std::vector<OrderId>& ids) {
        return read(stores, [&](Port& store) { return Table::load(store, ids); });
    }
    static bool save(Stores& stores, const Rows& rows) {
        return saved(stores, [&](Port& store) { return Table::save(store, rows); });
    }
    // The rows of these orders as the first event left them.
    static void insert(Stores& stores, const std::vector<OrderId>& ids) {
        Rows rows;
        for (const OrderId& id : ids) rows.put(id, first());
        REQUIRE(save(stores, rows));
    }
    static void check_row(Stores& stores, const OrderId& id, const Row& row, std::int64_t version) {
        const Rows rows = load(stores, {id});
        REQUIRE(rows.find(id));
        CHECK(*rows.find(id) == row);
        CHECK(rows.stored_version(id) == version);
    }
    static void check_absent(Stores& stores, const OrderId& id) {
        CHECK_FALSE(load(stores, {id}).find(id));
    }

    static void inserted_rows_are_loaded(Stores& stores) {
        // Given rows of every kind, saved as one set
        const auto lives = Table::lives();
        auto ids = ids_in_order(static_cast<int>(lives.size()));
        Rows rows;
        for (std::size_t i = 0; i < ids.size(); ++i) rows.put(ids[i], lives[i].first);
        REQUIRE(save(stores, rows));
        // When they are loaded, one of them twice, with an id that nobody knows
        const OrderId unknown = new_order_id();
        std::vector<OrderId> wanted = ids;
        wanted.push_back(unknown);
        wanted.push_back(ids.front());
        const Rows loaded = load(stores, wanted);
        // Then each is there in its first version, and the unknown one is left out
        for (std::size_t i = 0; i < ids.size(); ++i) {
            CAPTURE(i);
            REQUIRE(loaded.find(ids[i]));
            CHECK(*loaded.find(ids[i]) == lives[i].first);
            CHECK(loaded.stored_version(ids[i]) == 1);
        }
        CHECK_FALSE(loaded.find(unknown));
        CHECK_FALSE(load(stores, {}).find(ids.front()));
    }

    static void updated_rows_are_loaded(Stores& stores) {
        // Given rows of every kind
        const auto lives = Table::lives();
        const auto ids = ids_in_order(static_cast<int>(lives.size()));
        Rows rows;
        for (std::size_t i = 0; i < ids.size(); ++i) rows.put(ids[i], lives[i].first);
        REQUIRE(save(stores, rows));
        // When all that may change has changed
        Rows changed = load(stores, ids);
        for (std::size_t i = 0; i < ids.size(); ++i) changed.put(ids[i], lives[i].later);
        REQUIRE(save(stores, changed));
        // Then it is there in the second version
        for (std::size_t i = 0; i < ids.size(); ++i) {
            CAPTURE(i);
            check_row(stores, ids[i], lives[i].later, 2);
        }
    }

    static void existing_row_is_not_inserted(Stores& stores) {
        // Given a row
        const auto ids = ids_in_order(3);
        insert(stores, {ids[1]});
        // When somebody who does not know it inserts it, between two new ones
        Rows rows;
        rows.put(ids[0], first());
        rows.put(ids[1], later());
        rows.put(ids[2], first());
        // Then the whole set is refused, and the row is what it was
        CHECK_FALSE(save(stores, rows));
        check_row(stores, ids[1], first(), 1);
        check_absent(stores, ids[0]);
        check_absent(stores, ids[2]);
    }

    static void stale_row_is_not_updated(Stores& stores) {
        // Given rows that two batches have loaded, and one that the first batch has saved
        const auto ids = ids_in_order(3);
        insert(stores, ids);
        Rows one = load(stores, {ids[1]});
        Rows other = load(stores, ids);
        one.put(ids[1], later());
        REQUIRE(save(stores, one));
        // When the second batch saves all of them
        for (const OrderId& id : ids) other.put(id, id == ids[1] ? first() : later());
        // Then the whole set is refused, and what the first batch has saved is there
        CHECK_FALSE(save(stores, other));
        check_row(stores, ids[0], first(), 1);
        check_row(stores, ids[1], later(), 2);
        check_row(stores, ids[2], first(), 1);
    }

    static void saved_set_is_stale_afterwards(Stores& stores) {
        // Given a set that was saved
        const auto ids = ids_in_order(1);
        insert(stores, ids);
        Rows rows = load(stores, ids);
        rows.put(ids[0], later());
        REQUIRE(save(stores, rows));
        // When the same set is saved again, then it is refused
        CHECK_FALSE(save(stores, rows));
        check_row(stores, ids[0], later(), 2);
    }

    static void absent_row_is_not_updated(Stores& stores) {
        // Given a row in memory that no table holds
        const OrderId id = new_order_id();
        Rows rows;
        rows.loaded(id, first(), 1);
        rows.put(id, later());
        // When it is updated, then that is refused, and it is not inserted
        CHECK_FALSE(save(stores, rows));
        check_absent(stores, id);
    }

    static void changes_of_one_batch_are_one_version(Stores& stores) {
        // Given a row that one batch has made and changed
        const auto ids = ids_in_order(1);
        Rows made;
        made.put(ids[0], later());
        made.put(ids[0], first());
        REQUIRE(save(stores, made));
        check_row(stores, ids[0], first(), 1);
        // When another batch changes it twice, then this is one version
        Rows changed = load(stores, ids);
        changed.put(ids[0], first());
        changed.put(ids[0], later());
        REQUIRE(save(stores, changed));
        check_row(stores, ids[0], later(), 2);
    }

    static void unchanged_rows_are_not_saved(Stores& stores) {
        // Given two rows, and a batch that changes one of them
        const auto ids = ids_in_order(2);
        insert(stores, ids);
        Rows rows = load(stores, ids);
        REQUIRE(save(stores, rows));
        rows.put(ids[1], later());
        REQUIRE(save(stores, rows));
        // Then the other one keeps its version
        check_row(stores, ids[0], first(), 1);
        check_row(stores, ids[1], later(), 2);
    }

    static void rolled_back_rows_are_gone(Stores& stores) {
        // Given a transaction that has inserted a row and updated another one
        const auto ids = ids_in_order(2);
        insert(stores, {ids[0]});
        Rows rows = load(stores, {ids[0]});
        rows.put(ids[0], later());
        rows.put(ids[1], first());
        const auto session = stores.connect();
        session->work().begin();
        REQUIRE(Table::save(session->store(), rows));
        // When it is not committed, then nobody else sees it
        check_row(stores, ids[0], first(), 1);
        check_absent(stores, ids[1]);
        // When it is rolled back, then nothing is left of it, and both rows can be saved
        session->work().rollback();
        check_row(stores, ids[0], first(), 1);
        check_absent(stores, ids[1]);
        CHECK(save(stores, rows));
    }

    static void refused_set_inserts_nothing(Stores& stores) {
        // Given a row that has moved on since a batch has loaded it
        const auto ids = ids_in_order(2);
        insert(stores, {ids[0]});
        Rows stale = load(stores, {ids[0]});
        Rows one = stale;
        one.put(ids[0], later());
        REQUIRE(save(stores, one));
        // When the batch saves it with a new row, then neither is saved
        stale.put(ids[0], first());
        stale.put(ids[1], first());
        CHECK_FALSE(save(stores, stale));
        check_row(stores, ids[0], later(), 2);
        check_absent(stores, ids[1]);
    }

    static void committed_rows_are_seen(Stores& stores) {
        // Given a transaction that began before a row was saved
        const auto ids = ids_in_order(1);
        const auto session = stores.connect();
        session->work().begin();
        CHECK_FALSE(Table::load(session->store(), ids).find(ids[0]));
        insert(stores, ids);
        // When it loads the row after that commit, then the row is there
        Rows rows = Table::load(session->store(), ids);
        REQUIRE(rows.find(ids[0]));
        CHECK(rows.stored_version(ids[0]) == 1);
        // And it can save a change of it
        rows.put(ids[0], later());
        REQUIRE(Table::save(session->store(), rows));
        session->work().commit({});
        check_row(stores, ids[0], later(), 2);
    }

    static void saved_rows_are_locked(Stores& stores) {
        // Given a transaction that has inserted a row and updated another one
        const auto ids = ids_in_order(2);
        insert(stores, {ids[0]});
        Rows updated = load(stores, {ids[0]});
        updated.put(ids[0], later());
        Rows inserted;
        inserted.put(ids[1], later());
        const auto session = stores.connect();
        session->work().begin();
        REQUIRE(Table::save(session->store(), updated));
        REQUIRE(Table::save(session->store(), inserted));
        // When others save the same rows, then they do not get them
        check_locked([&] { save(stores, updated); });
        check_locked([&] { save(stores, inserted); });
        // When it is committed, then they come too late
        session->work().commit({});
        CHECK_FALSE(save(stores, updated));
        CHECK_FALSE(save(stores, inserted));
        check_row(stores, ids[0], later(), 2);
        check_row(stores, ids[1], later(), 1);
    }

    // One transaction after the other: every implementation.
    static constexpr ContractCase<Stores> kCases[] = {
        {"rows are loaded as they were inserted, in version 1, without unknown ids",
         inserted_rows_are_loaded},
        {"rows are loaded as they were updated, in the next version", updated_rows_are_loaded},
        {"an insert of a row that exists is refused with its whole set",
         existing_row_is_not_inserted},
        {"an update of a row that has moved on is refused with its whole set",
         stale_row_is_not_updated},
        {"a set that was saved is refused the second time", saved_set_is_stale_afterwards},
        {"an update of a row that does not exist is refused", absent_row_is_not_updated},
        {"two changes of one batch are one version", changes_of_one_batch_are_one_version},
        {"a row that a batch does not change keeps its version", unchanged_rows_are_not_saved}};

    // Two transactions at a time: implementations that have them.
    static constexpr ContractCase<Stores> kTransactions[] = {
        {"a transaction that is not committed leaves no row", rolled_back_rows_are_gone},
        {"a set that is refused for one row inserts none", refused_set_inserts_nothing},
        {"a statement sees what is committed when it runs", committed_rows_are_seen},
        {"rows that a transaction has saved are its own until it ends", saved_rows_are_locked}};
};

}  // namespace orderflow::test
