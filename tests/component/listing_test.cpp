// Pages of orders, newest first: each order once, however they are cut, whatever is placed
// meanwhile.

#include <algorithm>
#include <functional>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "component/subjects.hpp"
#include "order/saga/orders_store.hpp"
#include "order/saga/saga_store.hpp"

namespace orderflow::test {
namespace {

using events::Service;
using order::OrderFilter;
using order::OrderPage;
using order::State;
using Ids = std::vector<OrderId>;

struct Lab {
    OrderId add(const std::string& customer, State state = State::PROCESSING) {
        Story story;
        story.order.customer_id = customer;
        order::NewOrder order{story.id, *order::place(story.id, story.order).next, &story.order};
        order.saga.state = state;
        if (state == State::CANCELLED) order.saga.reason = events::Reason::OUT_OF_STOCK;
        REQUIRE(store->insert(std::span(&order, 1)));
        return story.id;
    }
    OrderPage page(OrderFilter filter, const std::optional<OrderId>& before = {}) {
        filter.before.bytes.fill(0xff);
        if (before) filter.before = *before;
        return order::list_orders(connection, filter);
    }
    // All pages, one after the other.
    Ids walk(const OrderFilter& filter) {
        Ids ids;
        OrderPage at = page(filter);
        for (;;) {
            CHECK(at.orders.size() <= filter.limit);
            for (const auto& order : at.orders) ids.push_back(order.id);
            if (!at.next) return ids;
            at = page(filter, at.next);
        }
    }

    TestDatabase database{Service::order, subject(Service::order).migrations};
    postgres::Connection connection{database.url()};
    const std::unique_ptr<order::SagaStore> store = order::make_saga_store(connection);
};

OrderFilter of_customer(const std::string& customer, std::size_t limit) {
    OrderFilter filter;
    filter.customer_id = customer;
    filter.limit = limit;
    return filter;
}

}  // namespace

TEST_CASE("listing: a customer's orders, newest first, each once, with any page size") {
    Lab lab;
    Ids mine;
    for (int i = 0; i < 6; ++i) {
        mine.push_back(lab.add("CUST-A"));
        lab.add("CUST-B");
    }
    std::ranges::sort(mine, std::greater{});  // within a millisecond ids are not in order
    for (const std::size_t limit : {1u, 2u, 3u, 5u, 6u, 7u, 100u}) {
        CHECK(lab.walk(of_customer("CUST-A", limit)) == mine);
    }
    CHECK(lab.page(of_customer("CUST-A", 6)).next == std::nullopt);
    CHECK(lab.walk(of_customer("CUST-C", 6)).empty());
    OrderFilter everybody;
    everybody.limit = 5;
    CHECK(lab.walk(everybody).size() == 12);
}

TEST_CASE("listing: an order placed between two pages moves nothing") {
    Lab lab;
    Ids mine{lab.add("CUST-A"), lab.add("CUST-A"), lab.add("CUST-A")};
    std::ranges::sort(mine, std::greater{});  // within a millisecond ids are not in order
    const OrderPage first = lab.page(of_customer("CUST-A", 2));
    lab.add("CUST-A");
    const OrderPage second = lab.page(of_customer("CUST-A", 2), first.next);
    REQUIRE(first.orders.size() == 2);
    REQUIRE(second.orders.size() == 1);
    CHECK(Ids{first.orders[0].id, first.orders[1].id, second.orders[0].id} == mine);
}

TEST_CASE("listing: a rare state is found behind a thousand others, over empty pages") {
    Lab lab;
    const OrderId rare = lab.add("CUST-A", State::CANCELLED);
    for (int i = 0; i < 1'001; ++i) lab.add("CUST-A");
    OrderFilter filter = of_customer("CUST-A", 20);
    filter.state = State::CANCELLED;

    const OrderPage first = lab.page(filter);
    CHECK(first.orders.empty());
    REQUIRE(first.next);
    const OrderPage second = lab.page(filter, first.next);
    REQUIRE(second.orders.size() == 1);
    CHECK(second.orders[0].id == rare);
    CHECK(second.orders[0].reason == events::Reason::OUT_OF_STOCK);
    CHECK_FALSE(second.next);
}

}  // namespace orderflow::test
