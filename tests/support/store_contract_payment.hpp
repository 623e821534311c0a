#pragma once
// The contract of payment::PaymentStore. Used by tests/unit/store_contract_test.cpp and
// tests/component/store_contract_test.cpp. One thread.
#include <algorithm>
#include <optional>
#include <vector>

#include <boost/mp11/list.hpp>

#include "payment/payment_store.hpp"
#include "support/compare_and_set_contract.hpp"
#include "support/store_contract.hpp"

namespace orderflow::test {

class PaymentStores : public StoreUnderTest<payment::PaymentStore> {
public:
    // The recovery's connection, for the two searches, which need no transaction.
    virtual std::unique_ptr<StoreSession<payment::PaymentStore>> connect_recovery() {
        return connect();
    }
};

// See CompareAndSet.
struct PaymentTable {
    using Stores = PaymentStores;
    using Rows = payment::Payments;
    using Row = payment::Payment;

    static Rows load(payment::PaymentStore& store, std::span<const OrderId> ids) {
        return store.load(ids);
    }
    static bool save(payment::PaymentStore& store, const Rows& rows) { return store.save(rows); }

    static Row in(payment::State state) {
        Row payment;
        payment.state = state;
        payment.touched_at = at(2);
        payment.opened_at = at(1);
        payment.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        payment.order = an_order();
        return payment;
    }
    // The cancellation came first: no order, and no trace context.
    static Row tombstone() {
        Row payment;
        payment.state = payment::State::NEVER_CHARGED;
        payment.touched_at = payment.opened_at = at(1);
        return payment;
    }
    static std::vector<Life<Row>> lives() {
        Row declined = in(payment::State::DECLINED);
        declined.reason = events::PaymentRejection::CARD_TOKEN_UNKNOWN;
        declined.charge_id = "ch_1";
        declined.attempts = 7;
        declined.touched_at = at(3);

        Row settled = in(payment::State::SETTLED);
        settled.charge_id = "ch_2";
        settled.settled_as = payment::Settlement::REFUNDED;
        settled.settled_by = "kim";
        settled.attempts = 1;
        settled.touched_at = at(4);

        Row untraced = in(payment::State::INTENT);
        untraced.traceparent.clear();
        Row unknown = untraced;
        unknown.state = payment::State::UNKNOWN;
        return {{in(payment::State::INTENT), declined},
                {in(payment::State::CANCELLING), settled},
                {declined, in(payment::State::DECLINED)},
                {untraced, unknown},
                {tombstone(), tombstone()}};
    }
};

struct PaymentStoreContract {
    using Table = CompareAndSet<PaymentTable>;

    static payment::Payment in_turn(std::size_t i) {
        using States = boost::describe::describe_enumerators<payment::State>;
        const auto state = static_cast<payment::State>(i % boost::mp11::mp_size<States>::value);
        return state == payment::State::NEVER_CHARGED ? PaymentTable::tombstone()
                                                      : PaymentTable::in(state);
    }
    // Rows of every state in turn, in the order of their ids.
    static std::vector<OrderId> fill(PaymentStores& stores, int count) {
        const auto ids = ids_in_order(count);
        payment::Payments payments;
        for (std::size_t i = 0; i < ids.size(); ++i) payments.put(ids[i], in_turn(i));
        REQUIRE(Table::save(stores, payments));
        return ids;
    }
    // Those of the first `count` rows that are open.
    static std::vector<OrderId> open_among(const std::vector<OrderId>& ids, std::size_t count) {
        std::vector<OrderId> open;
        for (std::size_t i = 0; i < count; ++i) {
            if (payment::is_open(in_turn(i).state)) open.push_back(ids[i]);
        }
        return open;
    }
    static std::vector<OrderId> ids_of(const std::vector<payment::OpenPayment>& open) {
        std::vector<OrderId> ids;
        for (const payment::OpenPayment& payment : open) ids.push_back(payment.id);
        return ids;
    }

    static void open_ones_are_found(PaymentStores& stores) {
        // Given rows of every state
        const auto ids = fill(stores, 16);
        // When they are asked for together with an unknown one
        auto wanted = ids;
        wanted.push_back(new_order_id());
        auto open = stores.connect_recovery()->store().find_open(wanted);
        // Then the open ones are there, in any order, with all that a call needs
        std::ranges::sort(open, {}, &payment::OpenPayment::id);
        CHECK(ids_of(open) == open_among(ids, ids.size()));
        for (const payment::OpenPayment& payment : open) {
            CHECK(payment::is_open(payment.state));
            CHECK(payment.amount == Money{1500, {}});
            CHECK(payment.token == "tok_ok");
            CHECK(payment.touched_at == at(2));
            CHECK(payment.opened_at == at(1));
        }
    }

    static void state_and_attempts_are_the_rows(PaymentStores& stores) {
        // Given an intent whose calls had no clear outcome
        const auto ids = ids_in_order(1);
        payment::Payments payments;
        payment::Payment unknown = PaymentTable::in(payment::State::UNKNOWN);
        unknown.attempts = 3;
        payments.put(ids[0], unknown);
        REQUIRE(Table::save(stores, payments));
        // Then both searches return it as it is
        const auto session = stores.connect_recovery();
        const auto found = session->store().find_open(ids);
        const auto page = session->store().scan_open({}, ids[0], 9);
        REQUIRE(found.size() == 1);
        REQUIRE(page.open.size() == 1);
        for (const auto& payment : {found[0], page.open[0]}) {
            CHECK(payment.state == payment::State::UNKNOWN);
            CHECK(payment.attempts == 3);
        }
    }

    static void pages_follow_each_other(PaymentStores& stores) {
        // Given rows, and a range that ends before the last of them
        const auto ids = fill(stores, 40);
        const auto session = stores.connect_recovery();
        // When the range is walked over in pages of 7 rows
        std::vector<OrderId> found;
        std::vector<OrderId> ends;
        OrderId position;
        for (;;) {
            const payment::OpenPage page = session->store().scan_open(position, ids[30], 7);
            if (!page.last) break;
            position = *page.last;
            ends.push_back(position);
            for (const OrderId& id : ids_of(page.open)) found.push_back(id);
        }
        // Then every open row is found once, in the order of ids, and each page ends with the last
        // row that it looked at
        CHECK(found == open_among(ids, 31));
        CHECK(ends == std::vector{ids[6], ids[13], ids[20], ids[27], ids[30]});
    }

    static void bounds_of_a_page(PaymentStores& stores) {
        // Given two open rows, and two that have ended
        const auto ids = fill(stores, 4);
        const auto session = stores.connect_recovery();
        payment::PaymentStore& store = session->store();
        // Then a range begins after its first id and ends with its last one
        CHECK(ids_of(store.scan_open(ids[0], ids[1], 9).open) == std::vector{ids[1]});
        // And a page without an open row has a last row all the same
        const auto none = store.scan_open(ids[1], ids[3], 9);
        CHECK(none.open.empty());
        CHECK(none.last == ids[3]);
        // And one without rows has none
        CHECK_FALSE(store.scan_open(ids[3], ids_in_order(5)[4], 9).last);
        CHECK_FALSE(store.scan_open(ids[2], ids[2], 9).last);
    }

    static void contradictions_are_counted(PaymentStores& stores) {
        using payment::Settlement;
        using payment::State;
        struct End {
            State state;
            std::optional<Settlement> settled_as;
            const char* charge_id;
        };
        // Given payments that an operator or the gateway had answered for, and their ends
        constexpr End kEnds[] = {
            {State::NEVER_CHARGED, std::nullopt, "ch_1"},               // it had been captured
            {State::NEVER_CHARGED, Settlement::REFUNDED, "ch_1"},       // the operator was wrong
            {State::REFUNDED, Settlement::NEVER_CHARGED, "ch_1"},       // likewise
            {State::NEVER_CHARGED, Settlement::NEVER_CHARGED, "ch_1"},  // as was said, the others
            {State::NEVER_CHARGED, std::nullopt, ""},
            {State::REFUNDED, Settlement::REFUNDED, "ch_1"},
            {State::REFUNDED, std::nullopt, "ch_1"},
            {State::SETTLED, Settlement::REFUNDED, "ch_1"},
            {State::CAPTURED, std::nullopt, "ch_1"}};
        const auto ids = ids_in_order(std::size(kEnds));
        Table::insert(stores, ids);
        payment::Payments payments = Table::load(stores, ids);
        for (std::size_t i = 0; i < ids.size(); ++i) {
            payment::Payment ended = *payments.find(ids[i]);
            ended.state = kEnds[i].state;
            ended.settled_as = kEnds[i].settled_as;
            ended.charge_id = kEnds[i].charge_id;
            payments.put(ids[i], ended);
        }
        REQUIRE(Table::save(stores, payments));
        // When a page holds them, then those are counted whose end is another one, and the one that
        // is open is found
        const auto page = stores.connect_recovery()->store().scan_open({}, ids.back(), 99);
        CHECK(page.contradicted == 3);
        CHECK(ids_of(page.open) == std::vector{ids[7]});
    }

    static constexpr ContractCase<PaymentStores> kCases[] = {
        {"open payments are found by their ids", open_ones_are_found},
        {"an open payment is found with its state and attempts", state_and_attempts_are_the_rows},
        {"pages hold every open row once and end with the last row looked at",
         pages_follow_each_other},
        {"a page is bounded by its range, its first id excluded", bounds_of_a_page},
        {"a page counts what contradicts an earlier outcome", contradictions_are_counted}};
};

}  // namespace orderflow::test
