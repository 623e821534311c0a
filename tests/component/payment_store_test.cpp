// The payments table through its store: what is saved comes back, and the recovery's two queries
// find the open rows page by page, without missing one between two pages.

#include <set>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "payment/payment_store.hpp"
#include "support/builders.hpp"
#include "support/database.hpp"

namespace orderflow {
namespace payment {
extern const postgres::Migrations kMigrations;
}

namespace test {
namespace {

using payment::Payment;
using payment::Payments;
using payment::State;

Payment a_payment(State state) {
    Payment payment;
    payment.state = state;
    payment.touched_at = at(2);
    payment.opened_at = at(1);
    payment.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    if (state != State::NEVER_CHARGED) payment.order = an_order();
    return payment;
}

constexpr State kStates[] = {State::INTENT,       State::UNKNOWN,    State::CAPTURED,
                             State::DECLINED,     State::CANCELLING, State::REFUNDED,
                             State::NEVER_CHARGED};

// Rows of every state in turn, in the order of their ids.
std::vector<OrderId> fill(payment::PaymentStore& store, int rows) {
    std::vector<OrderId> ids;
    Payments payments;
    IdSource source(1);
    for (int i = 0; i < rows; ++i) {
        ids.push_back(source.next<OrderId>(at(i)));
        payments.put(ids.back(), a_payment(kStates[i % 7]));
    }
    REQUIRE(store.save(payments));
    return ids;
}

}  // namespace

TEST_CASE("payment store: a row comes back as it was saved, whatever is empty in it") {
    TestDatabase database(events::Service::payment, payment::kMigrations);
    postgres::Connection connection(database.url());
    const auto store = payment::make_payment_store(connection);
    const OrderId open = new_order_id();
    const OrderId buried = new_order_id();
    Payments payments;
    payments.put(open, a_payment(State::INTENT));
    payments.put(buried, a_payment(State::NEVER_CHARGED));
    REQUIRE(store->save(payments));

    Payments loaded = store->load(std::vector{open, buried, new_order_id()});
    REQUIRE(loaded.find(open));
    CHECK(*loaded.find(open) == a_payment(State::INTENT));
    CHECK(*loaded.find(buried) == a_payment(State::NEVER_CHARGED));
    CHECK(loaded.stored_version(open) == 1);
    Payment declined = *loaded.find(open);
    declined.state = State::DECLINED;
    declined.reason = events::PaymentRejection::CARD_TOKEN_UNKNOWN;
    declined.charge_id = "ch_1";
    declined.attempts = 7;
    declined.touched_at = at(3);
    loaded.put(open, declined);

    REQUIRE(store->save(loaded));
    CHECK_FALSE(store->save(loaded));  // its version has moved on
    CHECK(payment::find_payment(connection, open) == declined);
    CHECK(store->load(std::vector{open}).stored_version(open) == 2);
}

TEST_CASE("payment store: pages hold every open row once and end where the range ends") {
    TestDatabase database(events::Service::payment, payment::kMigrations);
    postgres::Connection connection(database.url());
    const auto store = payment::make_payment_store(connection);
    const auto ids = fill(*store, 100);
    const OrderId& upto = ids[90];

    std::set<OrderId> found;
    OrderId position;
    int pages = 0;
    for (;;) {
        const payment::OpenPage page = store->scan_open(position, upto, 9);
        if (!page.last) break;
        ++pages;
        position = *page.last;
        for (const auto& open : page.open) {
            CHECK(found.insert(open.id).second);
            CHECK(payment::is_open(open.state));
            CHECK(open.amount == Money{1500, {}});
            CHECK(open.token == "tok_ok");
            CHECK(open.touched_at == at(2));
        }
    }

    CHECK(pages == 11);  // 91 rows
    CHECK(position == upto);
    CHECK(found.size() == 39);  // 3 of 7 states
    const auto by_id = store->find_open(ids);
    CHECK(by_id.size() == 44);
}

TEST_CASE("payment store: pages count what ended otherwise than was said") {
    TestDatabase database(events::Service::payment, payment::kMigrations);
    postgres::Connection connection(database.url());
    const auto store = payment::make_payment_store(connection);
    const OrderId denied = new_order_id();  // captured, then "never charged"
    const OrderId contradicted = new_order_id();
    const OrderId agreed = new_order_id();
    const OrderId refunded = new_order_id();
    Payments payments;
    for (const OrderId& id : {denied, contradicted, agreed, refunded}) {
        payments.put(id, a_payment(State::NEVER_CHARGED));
    }
    REQUIRE(store->save(payments));
    database.query("UPDATE payments SET charge_id = 'ch_1' WHERE order_id IN ('" +
                   denied.to_string() + "', '" + refunded.to_string() + "')");
    database.query("UPDATE payments SET state = 'REFUNDED' WHERE order_id = '" +
                   refunded.to_string() + "'");
    database.query("UPDATE payments SET settled_as = 'REFUNDED' WHERE order_id = '" +
                   contradicted.to_string() + "'");
    database.query(
        "UPDATE payments SET settled_as = 'NEVER_CHARGED', charge_id = 'ch_2'"
        " WHERE order_id = '" +
        agreed.to_string() + "'");

    const OrderId upto = *OrderId::parse("ffffffff-ffff-ffff-ffff-ffffffffffff");
    const payment::OpenPage page = store->scan_open({}, upto, 9);

    CHECK(page.contradicted == 2);
    CHECK(page.open.empty());
}

}  // namespace test
}  // namespace orderflow
