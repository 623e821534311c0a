// What comes by HTTP, over stores in memory: cancellations, and requests with an Idempotency-Key.

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "order/saga/saga_commands.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/builders.hpp"
#include "support/commands.hpp"
#include "support/memory_keys.hpp"
#include "support/memory_orders.hpp"

namespace orderflow::order {
namespace {

using events::Event;
using events::Reason;
using outbox::Answer;
using outbox::BatchOutput;
using outbox::Fate;
using test::at;
using test::MemoryKeys;
using test::MemoryOrders;
using test::saga_of;
using test::Story;
using Ids = std::vector<OrderId>;

Cancellation asked(const OrderId& id, const std::string& traceparent = {},
                   const std::string& key = {}) {
    return {id, traceparent, key};
}

// A shop's commands, and what became of them.
struct Shop {
    bool place(std::vector<Placement> batch) {
        out = {};
        const auto answers = test::apply(place_orders(orders, request_keys), batch, at(3), out);
        placed = answers.value_or(std::vector<Answer<OrderId>>{});
        return answers.has_value();
    }
    bool cancel(std::vector<Cancellation> batch) {
        out = {};
        const auto answers = test::apply(cancel_orders(orders, request_keys), batch, at(4), out);
        cancelled = answers.value_or(std::vector<Answer<std::optional<State>>>{});
        return answers.has_value();
    }
    std::vector<std::optional<State>> states() const {
        std::vector<std::optional<State>> states;
        for (const auto& answer : cancelled) {
            CHECK(answer.fate == Fate::done);
            states.push_back(answer.outcome);
        }
        return states;
    }
    static Placement order(const Story& story, const std::string& key) {
        return {story.id, story.order, "", key};
    }

    std::shared_ptr<MemoryOrders> orders = std::make_shared<MemoryOrders>();
    std::shared_ptr<MemoryKeys> request_keys = std::make_shared<MemoryKeys>();
    MemoryOrders& store = *orders;
    MemoryKeys& keys = *request_keys;
    std::vector<Answer<OrderId>> placed;
    std::vector<Answer<std::optional<State>>> cancelled;
    BatchOutput out;  // of the last batch
};

}  // namespace

TEST_CASE("cancellation: each caller gets the state that its order is in then") {
    Shop shop;
    const Story unknown, processing, cancelling, cancelled, completed;
    shop.store.rows = {{processing.id, saga_of(processing, State::PROCESSING)},
                       {cancelling.id, saga_of(cancelling, State::CANCELLING)},
                       {cancelled.id, saga_of(cancelled, State::CANCELLED)},
                       {completed.id, saga_of(completed, State::COMPLETED)}};
    const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    REQUIRE(shop.cancel({asked(completed.id), asked(unknown.id), asked(cancelling.id),
                         asked(processing.id, trace), asked(cancelled.id)}));

    CHECK(shop.states() == std::vector<std::optional<State>>{State::COMPLETED, std::nullopt,
                                                             State::CANCELLING, State::CANCELLING,
                                                             State::CANCELLED});
    REQUIRE(shop.out.events.size() == 1);
    CHECK(shop.out.events[0].data == Event{processing.cancellation(Reason::CUSTOMER)});
    CHECK(shop.out.events[0].traceparent == trace);
    CHECK(shop.store.updated == Ids{processing.id});
    CHECK(shop.store.rows.at(processing.id).cancelling_at == at(4));
    CHECK(shop.store.rows.at(cancelling.id).reason == Reason::OUT_OF_STOCK);
}

TEST_CASE("cancellation: the same order twice in one batch is cancelled by one trigger") {
    Shop shop;
    const Story story;
    shop.store.rows = {{story.id, saga_of(story, State::PROCESSING)}};

    REQUIRE(shop.cancel({asked(story.id), asked(story.id)}));

    CHECK(shop.states() == std::vector<std::optional<State>>(2, State::CANCELLING));
    CHECK(shop.out.events.size() == 1);
    CHECK(shop.store.updated == Ids{story.id});

    REQUIRE(shop.cancel({asked(story.id), asked(story.id)}));
    CHECK(shop.states() == std::vector<std::optional<State>>(2, State::CANCELLING));
    CHECK(shop.out.events.empty());
}

TEST_CASE("cancellation: a lost compare-and-set is returned to the caller") {
    Shop shop;
    const Story story;
    shop.store.rows = {{story.id, saga_of(story, State::PROCESSING)}};
    shop.store.lose_updates = true;

    CHECK_FALSE(shop.cancel({asked(story.id, "", "key-0001")}));
    CHECK(shop.store.rows.at(story.id).state == State::PROCESSING);
    CHECK(shop.keys.rows.empty());
}

TEST_CASE("idempotency: doubles in one batch are placed once, and all get the same order") {
    Shop shop;
    const Story a, b, c;
    Story other;
    other.order.items[0].quantity = 2;

    REQUIRE(shop.place({Shop::order(a, "key-0001"), Shop::order(b, "key-0001"),
                        Shop::order(other, "key-0001"), Shop::order(c, "key-0002")}));

    CHECK(shop.store.inserted == Ids{a.id, c.id});
    CHECK(shop.out.events.size() == 2);
    REQUIRE(shop.placed.size() == 4);
    CHECK((shop.placed[0].fate == Fate::done && shop.placed[0].outcome == a.id));
    CHECK((shop.placed[1].fate == Fate::done && shop.placed[1].outcome == a.id));
    CHECK(shop.placed[2].fate == Fate::mismatch);
    CHECK((shop.placed[3].fate == Fate::done && shop.placed[3].outcome == c.id));
    CHECK(shop.keys.rows.size() == 2);
}

TEST_CASE("idempotency: a key that was used answers as before, to the same order only") {
    Shop shop;
    const Story first, again;
    REQUIRE(shop.place({Shop::order(first, "key-0001")}));
    shop.store.inserted.clear();
    shop.keys.rows["key-0002"] = {Digest{first.id.bytes}, "CANCELLING"};
    Story dearer;
    dearer.order.total = 1501;

    REQUIRE(shop.place({Shop::order(again, "key-0001"), Shop::order(dearer, "key-0001"),
                        Shop::order(again, "key-0002")}));

    CHECK(shop.store.inserted.empty());
    CHECK(shop.out.events.empty());
    CHECK((shop.placed[0].fate == Fate::done && shop.placed[0].outcome == first.id));
    CHECK(shop.placed[1].fate == Fate::mismatch);
    CHECK(shop.placed[2].fate == Fate::mismatch);  // a cancellation's key
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

    CHECK(shop.placed[0].fate == Fate::done);
    CHECK(shop.placed[1].fate == Fate::mismatch);  // it names one
}

TEST_CASE("idempotency: a key in use elsewhere holds up its own request and no other") {
    Shop shop;
    const Story held, free;
    shop.keys.busy.insert("key-0001");

    REQUIRE(shop.place({Shop::order(held, "key-0001"), Shop::order(free, "")}));

    CHECK(shop.placed[0].fate == Fate::busy);
    CHECK(shop.placed[1].fate == Fate::done);
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
    CHECK(shop.cancelled[0].outcome == State::CANCELLING);
    CHECK(shop.cancelled[1].fate == Fate::mismatch);
    CHECK(shop.cancelled[2].outcome == std::nullopt);
    CHECK(shop.store.updated == Ids{story.id});
    CHECK(shop.keys.rows.size() == 1);  // nothing was done to an order that is not there

    shop.store.rows.at(story.id).state = State::CANCELLED;
    REQUIRE(shop.cancel({asked(story.id, "", "key-0001"), asked(story.id)}));

    CHECK(shop.cancelled[0].outcome == State::CANCELLING);
    CHECK(shop.cancelled[1].outcome == State::CANCELLED);
    CHECK(shop.out.events.empty());
}

}  // namespace orderflow::order
