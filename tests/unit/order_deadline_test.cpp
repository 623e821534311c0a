// Orders that are cancelled by the deadline's walks, over a store in memory.

#include <algorithm>
#include <set>

#include <catch2/catch_test_macros.hpp>

#include "order/saga/deadline.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/builders.hpp"
#include "support/memory_orders.hpp"

namespace orderflow::order {
namespace {

using namespace std::chrono_literals;
using events::Event;
using events::Reason;
using outbox::BatchOutput;
using test::at;
using test::MemoryOrders;
using test::saga_of;
using test::Story;
using Ids = std::vector<OrderId>;

constexpr std::chrono::milliseconds kAge = 900s;

const auto kAny = [](const OrderId&) { return true; };
const auto kNone = [](const OrderId&) { return false; };

// An order placed then, its id as well.
OrderId add(MemoryOrders& store, Instant placed_at, State state = State::PROCESSING) {
    static IdSource ids;
    Story story;
    story.id = ids.next<OrderId>(placed_at);
    story.order.placed_at = placed_at;
    store.rows[story.id] = saga_of(story, state);
    return story.id;
}

// Looks once a second, as the loop does, from `from` to `to`; what could be acted on at the end.
Ids look(Deadline& deadline, MemoryOrders& store, Instant from, Instant to) {
    for (Instant now = from; now <= to; now += 1s) deadline.look(store, now);
    return deadline.next(kAny);
}

}  // namespace

TEST_CASE("deadline: finds what is overdue, nothing younger than the age, and nothing final") {
    MemoryOrders store;
    const Instant now = at(0);
    const OrderId late = add(store, now - kAge - 1ms);
    const OrderId later = add(store, now - kAge - 30min);
    add(store, now - kAge + 1ms);
    add(store, now);
    for (const State state : {State::COMPLETED, State::CANCELLING, State::CANCELLED}) {
        add(store, now - kAge - 1min, state);
    }
    Deadline deadline(kAge);

    CHECK(look(deadline, store, now, now) == Ids{later, late});
}

TEST_CASE("deadline: follows the time, and finds each order once") {
    MemoryOrders store;
    Deadline deadline(kAge);
    std::multiset<OrderId> found;
    std::set<OrderId> placed;
    for (int second = 0; second < 300; ++second) {
        const Instant now = at(second);
        placed.insert(add(store, now - kAge + 10s));
        deadline.look(store, now);
        const auto ids = deadline.next(kAny);
        for (const OrderId& id : ids) CHECK(store.rows.at(id).placed_at + kAge <= now);
        found.insert(ids.begin(), ids.end());
        deadline.done(ids);  // but the row still says PROCESSING
    }
    CHECK(found.size() >= 289);
    CHECK(std::set<OrderId>(found.begin(), found.end()).size() == found.size());
    CHECK(std::ranges::includes(placed, found));
}

TEST_CASE("deadline: each look costs a bounded number of rows, and finds old orders in the end") {
    MemoryOrders store;
    const OrderId oldest = add(store, at(0) - 30 * 24h);
    for (int i = 0; i < 20'000; ++i) add(store, at(0) - 2h + i * 1ms, State::COMPLETED);
    const OrderId old = add(store, at(0) - 90min);
    Deadline deadline(kAge);

    for (int second = 0; second < 10; ++second) {
        const auto before = store.scanned;
        deadline.look(store, at(second));
        CHECK(store.scanned - before <= 2 * 5'000);
    }
    CHECK(deadline.next(kAny) == Ids{oldest, old});
}

TEST_CASE("deadline: hands out a bounded number at once, and every one in its turn") {
    MemoryOrders store;
    for (int i = 0; i < 1'000; ++i) add(store, at(-3'000) + i * 1ms);
    Deadline deadline(kAge);
    deadline.look(store, at(0));

    std::set<OrderId> seen;
    for (int call = 0; call < 5; ++call) {  // none of them is done
        const auto ids = deadline.next(kAny);
        CHECK(ids.size() == 200);
        CHECK(std::ranges::is_sorted(ids));
        seen.insert(ids.begin(), ids.end());
    }
    CHECK(seen.size() == 1'000);
    CHECK(deadline.remembered() == 1'000);
    CHECK(deadline.next(kAny).size() == 200);  // from the first one again
}

TEST_CASE("deadline: what this process may not act on is kept until it may") {
    MemoryOrders store;
    const OrderId mine = add(store, at(-3'000));
    const OrderId others = add(store, at(-2'999));
    Deadline deadline(kAge);
    deadline.look(store, at(0));

    CHECK(deadline.next(kNone).empty());
    CHECK(deadline.next([&](const OrderId& id) { return id == mine; }) == Ids{mine});
    deadline.done(Ids{mine});
    CHECK(deadline.next(kAny) == Ids{others});
}

TEST_CASE("deadline: an old order that is made again is found by the next round over the table") {
    MemoryOrders store;
    Deadline deadline(kAge);
    const auto look_on = [&](Instant from, Instant to) {  // while orders go on coming of age
        for (Instant now = from; now <= to; now += 1s) {
            add(store, now - kAge, State::COMPLETED);
            deadline.look(store, now);
        }
        return deadline.next(kAny);
    };
    CHECK(look_on(at(0), at(5)).empty());
    const OrderId recreated = add(store, at(0) - 24h);

    CHECK(look_on(at(6), at(599)).empty());
    CHECK(look_on(at(600), at(600)) == Ids{recreated});
}

TEST_CASE("deadline: what others have seen to is forgotten with the next round") {
    MemoryOrders store;
    const OrderId others = add(store, at(-3'000));
    Deadline deadline(kAge);
    deadline.look(store, at(0));
    REQUIRE(deadline.remembered() == 1);
    store.rows.at(others).state = State::CANCELLED;

    look(deadline, store, at(1), at(600));
    CHECK(deadline.remembered() == 0);
}

TEST_CASE("deadline: memory is bounded, and more than fits is cancelled all the same") {
    MemoryOrders store;
    constexpr std::size_t kOrders = 70'000;
    for (std::size_t i = 0; i < kOrders; ++i) {
        add(store, at(-5'000) + std::chrono::milliseconds(i / 50));
    }
    Deadline deadline(kAge);
    for (int second = 0; second < 30; ++second) {
        deadline.look(store, at(second));
        CHECK(deadline.remembered() <= 50'000 + 2 * 5'000);
    }

    std::size_t cancelled = 0;
    for (int second = 30; second < 30 + 550; ++second) {
        const auto ids = deadline.next(kAny);
        BatchOutput out;
        REQUIRE(deadline.cancel(store, ids, at(second), out));
        cancelled += out.events.size();
        deadline.done(ids);
        deadline.look(store, at(second));
    }
    CHECK(cancelled == kOrders);
}

TEST_CASE("deadline: orders that are others' to cancel do not fill the memory for ever") {
    MemoryOrders store;
    Ids others;
    for (int i = 0; i < 60'000; ++i) others.push_back(add(store, at(-3'000) + i / 50 * 1ms));
    const OrderId mine = add(store, at(-1'000));
    Deadline deadline(kAge);
    const auto is_mine = [&](const OrderId& id) { return id == mine; };
    for (int second = 0; second < 300; ++second) deadline.look(store, at(second));
    // The others do their part meanwhile.
    for (const OrderId& id : others) store.rows.at(id).state = State::CANCELLED;

    for (int second = 300; second <= 630; ++second) deadline.look(store, at(second));

    CHECK(deadline.next(is_mine) == Ids{mine});
}

TEST_CASE("deadline: cancels with its reason what is still in process and overdue by the clock") {
    MemoryOrders store;
    const OrderId late = add(store, at(-1'000));
    const OrderId done = add(store, at(-1'000), State::COMPLETED);
    const OrderId young = add(store, at(-1'000));
    store.rows.at(young).placed_at = at(0) - kAge + 1s;  // the id's clock ran behind
    const OrderId just = add(store, at(-1'000));
    store.rows.at(just).placed_at = at(0) - kAge;
    const OrderId ahead = add(store, at(-1'000));
    store.rows.at(ahead).placed_at = at(0) + 26h;  // the database's clock was
    const Ids ids{late, done, young, just, ahead, test::new_order_id()};
    Deadline deadline(kAge);
    BatchOutput out;

    REQUIRE(deadline.cancel(store, ids, at(0), out));

    std::vector<Event> emitted;
    for (const auto& event : out.events) emitted.push_back(event.data);
    CHECK(emitted == std::vector<Event>{events::CancellationStarted{late, Reason::DEADLINE},
                                        events::CancellationStarted{just, Reason::DEADLINE},
                                        events::CancellationStarted{ahead, Reason::DEADLINE}});
    CHECK(store.rows.at(late).state == State::CANCELLING);
    CHECK(store.rows.at(late).reason == Reason::DEADLINE);
    CHECK(store.rows.at(young).state == State::PROCESSING);
    CHECK(store.rows.at(done).state == State::COMPLETED);

    BatchOutput again;
    REQUIRE(deadline.cancel(store, ids, at(0), again));
    CHECK(again.events.empty());
}

TEST_CASE("deadline: a lost compare-and-set is returned, and nothing is forgotten") {
    MemoryOrders store;
    const OrderId late = add(store, at(-1'000));
    store.lose_updates = true;
    Deadline deadline(kAge);
    deadline.look(store, at(0));
    BatchOutput out;

    CHECK_FALSE(deadline.cancel(store, Ids{late}, at(0), out));
    CHECK(deadline.next(kAny) == Ids{late});
}

}  // namespace orderflow::order
