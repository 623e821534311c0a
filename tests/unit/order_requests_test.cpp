// What comes by HTTP, over stores in memory: cancellations, and requests with an Idempotency-Key.

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "order/saga/saga_commands.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/builders.hpp"
#include "support/memory_keys.hpp"
#include "support/memory_orders.hpp"

namespace orderflow::order {
namespace {

using events::Event;
using events::Reason;
using outbox::BatchOutput;
using test::at;
using test::MemoryKeys;
using test::MemoryOrders;
using test::Story;
using Ids = std::vector<OrderId>;

Saga saga_of(const Story& story, State state) {
    Saga saga = *place(story.id, story.order).next;
    saga.state = state;
    if (state == State::CANCELLING || state == State::CANCELLED) saga.reason = Reason::OUT_OF_STOCK;
    if (state == State::CANCELLED || state == State::COMPLETED) saga.finished_at = at(1);
    return saga;
}

Cancellation asked(const OrderId& id, const std::string& traceparent = {},
                   const std::string& key = {}) {
    return {id, traceparent, key, {}};
}

std::vector<std::optional<State>> states_of(const std::vector<CancelOutcome>& outcomes) {
    std::vector<std::optional<State>> states;
    for (const CancelOutcome& outcome : outcomes) {
        CHECK(outcome.what == Outcome::done);
        states.push_back(outcome.state);
    }
    return states;
}

// A shop's requests, and what became of them.
struct Shop {
    bool place(std::vector<Placement> batch) {
        BatchOutput out;
        const bool saved = place_orders(store, keys, batch, at(3), out, placed);
        events = out.events.size();
        return saved;
    }
    bool cancel(const std::vector<Cancellation>& batch) {
        BatchOutput out;
        const bool saved = cancel_orders(store, keys, batch, at(4), out, cancelled);
        events = out.events.size();
        return saved;
    }
    static Placement order(const Story& story, const std::string& key) {
        return {story.id, story.order, "", key, {}};
    }

    MemoryOrders store;
    MemoryKeys keys;
    std::vector<PlaceOutcome> placed;
    std::vector<CancelOutcome> cancelled;
    std::size_t events = 0;  // emitted by the last batch
};

}  // namespace

TEST_CASE("cancellation: each caller hears the state that its order is in then") {
    MemoryOrders store;
    const Story unknown, processing, cancelling, cancelled, completed;
    store.rows = {{processing.id, saga_of(processing, State::PROCESSING)},
                  {cancelling.id, saga_of(cancelling, State::CANCELLING)},
                  {cancelled.id, saga_of(cancelled, State::CANCELLED)},
                  {completed.id, saga_of(completed, State::COMPLETED)}};
    const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const std::vector<Cancellation> batch{asked(completed.id), asked(unknown.id),
                                          asked(cancelling.id), asked(processing.id, trace),
                                          asked(cancelled.id)};
    MemoryKeys keys;
    std::vector<CancelOutcome> outcomes{{Outcome::done, State::COMPLETED}};  // of a lost attempt
    BatchOutput out;

    REQUIRE(cancel_orders(store, keys, batch, at(4), out, outcomes));

    CHECK(states_of(outcomes) ==
          std::vector<std::optional<State>>{State::COMPLETED, std::nullopt, State::CANCELLING,
                                            State::CANCELLING, State::CANCELLED});
    REQUIRE(out.events.size() == 1);
    CHECK(out.events[0].data == Event{processing.cancellation(Reason::CUSTOMER)});
    CHECK(out.events[0].traceparent == trace);
    CHECK(store.updated == Ids{processing.id});
    CHECK(store.rows.at(processing.id).cancelling_at == at(4));
    CHECK(store.rows.at(cancelling.id).reason == Reason::OUT_OF_STOCK);
}

TEST_CASE("cancellation: the same order twice in one batch is cancelled by one trigger") {
    MemoryOrders store;
    const Story story;
    store.rows = {{story.id, saga_of(story, State::PROCESSING)}};
    const std::vector<Cancellation> batch{asked(story.id), asked(story.id)};
    MemoryKeys keys;
    std::vector<CancelOutcome> outcomes;
    BatchOutput out;

    REQUIRE(cancel_orders(store, keys, batch, at(4), out, outcomes));

    CHECK(states_of(outcomes) == std::vector<std::optional<State>>(2, State::CANCELLING));
    CHECK(out.events.size() == 1);
    CHECK(store.updated == Ids{story.id});

    BatchOutput again;
    REQUIRE(cancel_orders(store, keys, batch, at(5), again, outcomes));
    CHECK(states_of(outcomes) == std::vector<std::optional<State>>(2, State::CANCELLING));
    CHECK(again.events.empty());
}

TEST_CASE("cancellation: a lost compare-and-set is said to the caller") {
    MemoryOrders store;
    const Story story;
    store.rows = {{story.id, saga_of(story, State::PROCESSING)}};
    store.lose_updates = true;
    MemoryKeys keys;
    std::vector<CancelOutcome> outcomes;
    BatchOutput out;
    const std::vector<Cancellation> batch{asked(story.id)};

    CHECK_FALSE(cancel_orders(store, keys, batch, at(4), out, outcomes));
    CHECK(store.rows.at(story.id).state == State::PROCESSING);
}

TEST_CASE("idempotency: doubles in one batch are placed once, and all hear of the same order") {
    Shop shop;
    const Story a, b, c;
    Story other;
    other.order.items[0].quantity = 2;

    REQUIRE(shop.place({Shop::order(a, "key-0001"), Shop::order(b, "key-0001"),
                        Shop::order(other, "key-0001"), Shop::order(c, "key-0002")}));

    CHECK(shop.store.inserted == Ids{a.id, c.id});
    CHECK(shop.events == 2);
    REQUIRE(shop.placed.size() == 4);
    CHECK((shop.placed[0].what == Outcome::done && shop.placed[0].id == a.id));
    CHECK((shop.placed[1].what == Outcome::done && shop.placed[1].id == a.id));
    CHECK(shop.placed[2].what == Outcome::mismatch);
    CHECK((shop.placed[3].what == Outcome::done && shop.placed[3].id == c.id));
    CHECK(shop.keys.rows.size() == 2);
}

TEST_CASE("idempotency: a key that was used answers as before, to the same order only") {
    Shop shop;
    const Story first, again;
    REQUIRE(shop.place({Shop::order(first, "key-0001")}));
    shop.store.inserted.clear();
    shop.keys.rows["key-0002"] = {first.id, State::CANCELLING, std::nullopt};
    Story dearer;
    dearer.order.total = 1501;

    REQUIRE(shop.place({Shop::order(again, "key-0001"), Shop::order(dearer, "key-0001"),
                        Shop::order(again, "key-0002")}));

    CHECK(shop.store.inserted.empty());
    CHECK(shop.events == 0);
    CHECK((shop.placed[0].what == Outcome::done && shop.placed[0].id == first.id));
    CHECK(shop.placed[1].what == Outcome::mismatch);
    CHECK(shop.placed[2].what == Outcome::mismatch);  // of a cancellation
}

TEST_CASE("idempotency: a request that names no payment stays the same when the default changes") {
    Shop shop;
    const auto paid_with = [](const char* token, bool by_default) {
        Story story;
        story.order.payment.token = token;
        Placement placement = Shop::order(story, "key-0001");
        placement.default_payment = by_default;
        return placement;
    };
    REQUIRE(shop.place({paid_with("tok_ok", true)}));
    REQUIRE(shop.place({paid_with("tok_new", true), paid_with("tok_ok", false)}));

    CHECK(shop.placed[0].what == Outcome::done);
    CHECK(shop.placed[1].what == Outcome::mismatch);  // it names one
}

TEST_CASE("idempotency: a key in use elsewhere holds up its own request and no other") {
    Shop shop;
    const Story held, free;
    shop.keys.busy.insert("key-0001");

    REQUIRE(shop.place({Shop::order(held, "key-0001"), Shop::order(free, "")}));

    CHECK(shop.placed[0].what == Outcome::busy);
    CHECK(shop.placed[1].what == Outcome::done);
    CHECK(shop.store.inserted == Ids{free.id});
    CHECK(shop.keys.rows.empty());
}

TEST_CASE("idempotency: a cancellation answers again what it answered first") {
    Shop shop;
    const Story story, other, unknown;
    shop.store.rows = {{story.id, saga_of(story, State::PROCESSING)},
                       {other.id, saga_of(other, State::PROCESSING)}};
    REQUIRE(shop.cancel({asked(story.id, "", "key-0001"), asked(other.id, "", "key-0001"),
                         asked(unknown.id, "", "key-0002")}));
    CHECK(shop.cancelled[0].state == State::CANCELLING);
    CHECK(shop.cancelled[1].what == Outcome::mismatch);
    CHECK(shop.cancelled[2].state == std::nullopt);
    CHECK(shop.store.updated == Ids{story.id});
    CHECK(shop.keys.rows.size() == 1);  // nothing was done to an order that is not there

    shop.store.rows.at(story.id).state = State::CANCELLED;
    REQUIRE(shop.cancel({asked(story.id, "", "key-0001"), asked(story.id)}));

    CHECK(shop.cancelled[0].state == State::CANCELLING);
    CHECK(shop.cancelled[1].state == State::CANCELLED);
    CHECK(shop.events == 0);
}

}  // namespace orderflow::order
