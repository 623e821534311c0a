// Orders on their way from POST into the database, many in one commit.

#include <optional>
#include <set>

#include <catch2/catch_test_macros.hpp>

#include "component/subjects.hpp"
#include "order/saga/saga_commands.hpp"
#include "outbox/relay_feed.hpp"
#include "support/commands.hpp"
#include "support/eventually.hpp"

namespace orderflow::test {

using namespace std::chrono_literals;
using events::Service;

TEST_CASE("placing: an order that the database refuses fails alone") {
    const Subject& subject_order = subject(Service::order);
    TestDatabase database(Service::order, subject_order.migrations);
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    const order::Admission admission;
    Callers callers;
    std::set<OrderId> placed, failed;
    order::AcceptLoop loop("accept", {Service::order, database.url(), {}, registry, relay_feed},
                           100, order::accept_steps(admission));
    const auto place = [&](const Story& story) {
        const auto note = [&, id = story.id](order::AcceptLoop::Answer answer) {
            (answer.fate == outbox::Fate::done ? placed : failed).insert(id);
        };
        callers.send<order::Placement, OrderId>(loop, {story.id, story.order, "", ""}, note);
    };
    Story poison;
    poison.order.customer_id = std::string("no\0text", 7);
    std::vector<Story> good(20);

    // The first one is held up until all the others are queued, so that they share a transaction.
    postgres::Connection gate(database.url());
    std::optional<postgres::Transaction> closed(std::in_place, gate);
    gate.script("LOCK TABLE orders");
    place(good[0]);
    CHECK(eventually(2s, [&] {
        return database.number(
                   "SELECT count(*) FROM pg_locks WHERE NOT granted"
                   " AND relation = 'orders'::regclass") == 1;
    }));
    for (std::size_t i = 1; i < good.size(); ++i) {
        if (i == 8) place(poison);
        place(good[i]);
    }
    closed.reset();
    callers.wait();

    CHECK(failed == std::set<OrderId>{poison.id});
    CHECK(placed.size() == good.size());
    CHECK(database.number("SELECT count(*) FROM orders") == 20);
    CHECK(database.number("SELECT count(*) FROM outbox WHERE type = 'OrderPlaced.v1'") == 20);
}

}  // namespace orderflow::test
