// What the API reads of the payments table. What the loops do with it is in
// store_contract_test.cpp.

#include <catch2/catch_test_macros.hpp>

#include "component/subjects.hpp"
#include "payment/payment_store.hpp"
#include "support/store_contract_payment.hpp"

namespace orderflow::test {

TEST_CASE("payment store: the API reads a payment as it was saved last") {
    // Given a payment that was declined, and a tombstone
    TestDatabase database(events::Service::payment, subject(events::Service::payment).migrations);
    postgres::Connection connection(database.url());
    const auto store = payment::make_payment_store(connection);
    const auto [intent, declined] = PaymentTable::lives().front();
    const OrderId id = new_order_id();
    const OrderId buried = new_order_id();
    payment::Payments payments;
    payments.put(id, intent);
    payments.put(buried, PaymentTable::tombstone());
    REQUIRE(store->save(payments));
    payments = store->load(std::vector{id});
    payments.put(id, declined);
    REQUIRE(store->save(payments));
    // Then both are read whole, and no other
    CHECK(payment::find_payment(connection, id) == declined);
    CHECK(payment::find_payment(connection, buried) == PaymentTable::tombstone());
    CHECK_FALSE(payment::find_payment(connection, new_order_id()));
}

}  // namespace orderflow::test
