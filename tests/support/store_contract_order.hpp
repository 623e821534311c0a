#pragma once
// The contract of the order service's stores: order::SagaStore, and outbox::RequestKeys that every
// service can use. Used by tests/unit/store_contract_test.cpp and
// tests/component/store_contract_test.cpp. One thread.
#include <optional>
#include <vector>

#include "order/saga/saga_store.hpp"
#include "outbox/request_keys.hpp"
#include "support/compare_and_set_contract.hpp"
#include "support/request_keys_contract.hpp"
#include "support/store_contract.hpp"

namespace orderflow::test {

using SagaStores = StoreUnderTest<order::SagaStore>;

// See CompareAndSet.
struct SagaTable {
    using Stores = SagaStores;
    using Rows = order::Sagas;
    using Row = order::Saga;

    static Rows load(order::SagaStore& store, std::span<const OrderId> ids) {
        return store.load(ids);
    }
    static bool save(order::SagaStore& store, const Rows& sagas) {
        const events::Order order = an_order();
        std::vector<order::NewOrder> inserts;
        for (const Rows::Entry* entry : sagas.changes().inserts) {
            inserts.push_back({entry->id, entry->row, &order});
        }
        return store.insert(inserts) && store.update(sagas);
    }

    static order::Saga placed() {
        order::Saga saga;
        saga.placed_at = at(0);
        saga.customer_id = "CUST-001";
        saga.total = {1500, {}};
        return saga;
    }
    static std::vector<Life<order::Saga>> lives() {
        order::Saga completed = placed();
        completed.state = order::State::COMPLETED;
        completed.reserved_at = at(1);
        completed.captured_at = at(2);
        completed.finished_at = at(3);
        completed.shipment_id = new_id_of_shipment();

        order::Saga cancelled = placed();
        cancelled.state = order::State::CANCELLED;
        cancelled.reason = events::Reason::CARD_DECLINED;
        cancelled.answers = order::kAllAnswered;
        cancelled.undone = order::bit(events::Compensation::StockReleased);
        cancelled.reserved_at = at(1);
        cancelled.cancelling_at = at(2);
        cancelled.answered_at = {at(3), at(4), at(5)};
        cancelled.finished_at = at(6);

        // Made again after its row was lost: the insert holds what updates would have saved.
        order::Saga recreated = completed;
        recreated.recreated_at = at(9);
        order::Saga cancelling = cancelled;
        cancelling.state = order::State::CANCELLING;
        cancelling.answers = order::bit(events::Participant::payment);
        cancelling.answered_at = {std::nullopt, at(4), std::nullopt};
        cancelling.finished_at.reset();
        cancelling.recreated_at = at(9);
        order::Saga finished = cancelled;
        finished.recreated_at = at(9);
        return {{placed(), completed},
                {placed(), cancelled},
                {recreated, recreated},
                {cancelling, finished}};
    }

private:
    static ShipmentId new_id_of_shipment() {
        static const ShipmentId id = new_id<ShipmentId>();
        return id;
    }
};

// What is a case of SagaStore alone.
struct SagaStoreContract {
    // Rows of every state in turn, in the order of their ids.
    static std::vector<OrderId> fill(SagaStores& stores, int count) {
        constexpr order::State kStates[] = {order::State::PROCESSING, order::State::COMPLETED,
                                            order::State::CANCELLING, order::State::CANCELLED};
        const auto ids = ids_in_order(count);
        order::Sagas sagas;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            order::Saga saga = SagaTable::placed();
            saga.state = kStates[i % 4];
            sagas.put(ids[i], saga);
        }
        REQUIRE(CompareAndSet<SagaTable>::save(stores, sagas));
        return ids;
    }

    static void pages_follow_each_other(SagaStores& stores) {
        // Given rows, and a range that ends before the last of them
        const auto ids = fill(stores, 40);
        const auto session = stores.connect();
        // When the range is walked over in pages of 7 rows
        std::vector<OrderId> found;
        std::vector<OrderId> ends;
        OrderId position;
        for (;;) {
            const auto page = session->store().scan_processing(position, ids[30], 7);
            if (!page.last) break;
            position = *page.last;
            ends.push_back(position);
            found.insert(found.end(), page.processing.begin(), page.processing.end());
        }
        // Then every PROCESSING row is found once, in the order of ids, and each page ends with the
        // last row that it looked at
        CHECK(found ==
              std::vector{ids[0], ids[4], ids[8], ids[12], ids[16], ids[20], ids[24], ids[28]});
        CHECK(ends == std::vector{ids[6], ids[13], ids[20], ids[27], ids[30]});
    }

    static void bounds_of_a_page(SagaStores& stores) {
        // Given rows of which each fourth is PROCESSING
        const auto ids = fill(stores, 8);
        const auto session = stores.connect();
        order::SagaStore& store = session->store();
        // Then a range begins after its first id and ends with its last one
        CHECK(store.scan_processing(ids[0], ids[4], 9).processing == std::vector{ids[4]});
        // And a page without a PROCESSING row has a last row all the same
        const auto none = store.scan_processing(ids[0], ids[3], 9);
        CHECK(none.processing.empty());
        CHECK(none.last == ids[3]);
        // And one without rows has none
        CHECK_FALSE(store.scan_processing(ids[7], ids_in_order(9)[8], 9).last);
        CHECK_FALSE(store.scan_processing(ids[4], ids[4], 9).last);
    }

    static void ledger_is_read_in_its_order(SagaStores& stores) {
        // Given events of two orders in the service's ledger
        const Story one, other, silent;
        const auto say = [&](const std::vector<events::Event>& list) {
            std::vector<outbox::OutgoingEvent> events;
            for (const events::Event& event : list) events.push_back({event, ""});
            const auto session = stores.connect();
            session->work().begin();
            session->work().commit(events);
        };
        say({one.placed(), other.placed()});
        say({other.completed(), one.cancellation()});
        say({one.cancelled()});
        // When the ledgers of one of them and of an order without events are read
        const order::Ledgers ledgers = read(stores, [&](order::SagaStore& store) {
            return store.ledgers(std::vector{silent.id, one.id});
        });
        // Then there are the events of the one, in their order
        REQUIRE(ledgers.size() == 1);
        std::vector<events::Event> found;
        for (const order::LedgerEntry& entry : ledgers.at(one.id)) found.push_back(entry.event);
        CHECK(found ==
              std::vector<events::Event>{one.placed(), one.cancellation(), one.cancelled()});
    }

    static constexpr ContractCase<SagaStores> kCases[] = {
        {"pages hold every PROCESSING row once and end with the last row looked at",
         pages_follow_each_other},
        {"a page is bounded by its range, its first id excluded", bounds_of_a_page}};

    static constexpr ContractCase<SagaStores> kTransactions[] = {
        {"an order's ledger has the service's events of it, in order",
         ledger_is_read_in_its_order}};
};

using KeyStores = KeyedStoreUnderTest<outbox::RequestKeys>;

// See IdempotencyKeys.
struct RequestKeys {
    using Stores = KeyStores;
    using Kept = outbox::KeptAnswer;

    // As a cancellation and a placement store them.
    static std::vector<Kept> kept() {
        return {{new_id<Digest>(), "CANCELLING"}, {new_id<Digest>(), new_order_id().to_string()}};
    }
    static void keep(outbox::RequestKeys& store, std::string_view key, const Kept& kept,
                     Instant now) {
        const outbox::KeptKey<Kept> row{key, &kept};
        store.keep(std::span(&row, 1), now);
    }
    static bool same(const Kept& a, const Kept& b) { return a == b; }
};

struct KeyStoreContract {
    using Keys = IdempotencyKeys<RequestKeys>;

    static void old_keys_are_forgotten(KeyStores& stores) {
        // Given a key that was kept now, by a clock that is behind
        const outbox::KeptAnswer kept = RequestKeys::kept().front();
        Keys::keep(stores, "key-kept", kept);
        // When the keys from before an hour are forgotten, then it is there
        stores.connect()->store().expire(system_now() - std::chrono::hours{1});
        Keys::check_kept(stores, "key-kept", kept);
        // When those from before the next hour are, then it is free
        stores.connect()->store().expire(system_now() + std::chrono::hours{1});
        Keys::check_free(stores, "key-kept");
    }

    static constexpr ContractCase<KeyStores> kCases[] = {
        {"a key is forgotten by its age, which no clock that is behind shortens",
         old_keys_are_forgotten}};
};

}  // namespace orderflow::test
