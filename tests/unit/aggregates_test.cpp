// The aggregates of one batch: what is found, what is saved, in which order.

#include <catch2/catch_test_macros.hpp>

#include "outbox/aggregates.hpp"
#include "support/builders.hpp"

namespace orderflow::outbox {

TEST_CASE("aggregates: the last row put is the one that is saved, in id order, if any was") {
    Aggregates<OrderId, std::string> rows;
    std::vector<OrderId> ids(4);
    for (auto& id : ids) id = test::new_order_id();
    std::ranges::sort(ids);
    rows.loaded(ids[2], "stored", 7);
    rows.loaded(ids[1], "stored", 3);
    rows.loaded(ids[0], "untouched", 5);

    CHECK(rows.find(ids[3]) == nullptr);
    rows.put(ids[3], "new");
    rows.put(ids[2], "changed");
    rows.put(ids[1], "once");
    rows.put(ids[1], "twice");

    const auto changes = rows.changes();
    REQUIRE(changes.inserts.size() == 1);
    CHECK(changes.inserts[0]->row == "new");
    REQUIRE(changes.updates.size() == 2);
    CHECK(changes.updates[0]->row == "twice");
    CHECK(changes.updates[0]->version == 3);
    CHECK(changes.updates[1]->id == ids[2]);
    CHECK(changes.updates[1]->version == 7);
    CHECK(*rows.find(ids[1]) == "twice");
    CHECK(rows.stored_version(ids[3]) == 0);
}

TEST_CASE("aggregates: the orders of a batch are named once each, sorted") {
    std::vector<std::optional<OrderId>> range(6);
    range[1] = range[3] = test::new_order_id();
    range[4] = test::new_order_id();
    const auto ids = distinct_ids(range, [](const auto& id) { return id ? &*id : nullptr; });
    CHECK(ids.size() == 2);
    CHECK(std::ranges::is_sorted(ids));
}

}  // namespace orderflow::outbox
