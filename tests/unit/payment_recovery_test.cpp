// The recovery, which finds the calls that memory lost.
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "core/enums.hpp"
#include "payment/payment_recovery.hpp"
#include "support/builders.hpp"
#include "support/memory_payments.hpp"
#include "support/payment_calls.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::payment;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::at;
using test::CallsFixture;
using test::charge_of;
using test::MemoryPayments;

// A row as the rules would have made it.
Payment row(const std::string& state) {
    Payment payment;
    payment.state = enum_of<State>(state);
    payment.order = test::Story().order;
    payment.touched_at = at(1);
    payment.opened_at = at(1);
    payment.attempts = 3;
    return payment;
}

GatewayResult charged(const OrderId& id, ChargeResult result) { return {id, std::move(result)}; }

// An id placed then, so that it stands where it would stand in the table.
OrderId id_at(Instant instant) {
    static IdSource ids;
    return ids.next<OrderId>(instant);
}

}  // namespace

TEST_CASE("recovery: an intent that a crash left behind is charged once it is 10 s old") {
    CallsFixture f;
    MemoryPayments store;
    const OrderId id = id_at(at(0));
    store.rows[id] = {row("INTENT"), 1};  // touched at 1 s
    store.rows[id_at(at(0))] = {row("CAPTURED"), 2};
    Recovery recovery(at(8));

    for (const int time : {8, 9, 10}) recovery.step(store, f.calls, at(time));
    f.run();
    CHECK(f.gateway.asked.empty());
    for (const int time : {11, 16, 17}) recovery.step(store, f.calls, at(time));
    f.run();

    CHECK(f.gateway.asked == std::vector<std::string>{"charge " + id.to_string()});
}

TEST_CASE("recovery: a row touched while the database's clock was ahead waits no longer") {
    CallsFixture f;
    MemoryPayments store;
    const OrderId id = id_at(at(0));
    store.rows[id] = {row("INTENT"), 1};
    store.rows[id].first.touched_at = at(100'000);
    Recovery recovery(at(8));

    for (const int time : {8, 11, 16, 17, 18, 30}) recovery.step(store, f.calls, at(time));
    f.run();

    CHECK(f.gateway.asked == std::vector<std::string>{"charge " + id.to_string()});
}

TEST_CASE("recovery: old rows are walked over once in a while, new ones only once") {
    CallsFixture f;
    MemoryPayments store;
    for (int i = 0; i < 5'000; ++i) store.rows[id_at(at(i / 100))] = {row("CAPTURED"), 2};
    Recovery recovery(at(1'400));

    for (int tick = 0; tick < 60; ++tick) recovery.step(store, f.calls, at(1'400 + tick));

    CHECK(store.scanned == 10'000);  // by the walk at what is new and by the one over the table
}

TEST_CASE("recovery: what came in late is found by the walk over the whole table") {
    CallsFixture f;
    MemoryPayments store;
    store.rows[id_at(at(50))] = {row("CAPTURED"), 2};
    Recovery recovery(at(1'400));
    recovery.step(store, f.calls, at(1'400));
    recovery.step(store, f.calls, at(1'401));
    const OrderId late = id_at(at(10));
    store.rows[late] = {row("CANCELLING"), 1};

    for (int tick = 2; tick < 610; ++tick) recovery.step(store, f.calls, at(1'400 + tick));
    f.run();

    REQUIRE(f.gateway.asked.size() == 1);
    CHECK(f.gateway.asked[0] == "cancel " + late.to_string());
}

TEST_CASE("recovery: a cancel that another process took with it is made within a minute") {
    CallsFixture f;
    MemoryPayments store;
    const OrderId id = id_at(at(50));
    store.rows[id] = {row("CAPTURED"), 2};
    Recovery recovery(at(100));
    for (int tick = 0; tick < 20; ++tick) recovery.step(store, f.calls, at(100 + tick));
    store.rows[id] = {row("CANCELLING"), 3};  // by a process that then froze
    store.rows[id].first.touched_at = at(120);

    for (int tick = 0; tick < 60; ++tick) recovery.step(store, f.calls, at(120 + tick));
    f.run();

    CHECK(f.gateway.asked == std::vector<std::string>{"cancel " + id.to_string()});
}

TEST_CASE("recovery: payments that contradict an earlier outcome are counted by the walk") {
    CallsFixture f;
    MemoryPayments store;
    const OrderId denied = id_at(at(0));
    store.rows[denied] = {row("NEVER_CHARGED"), 3};
    store.rows[denied].first.charge_id = "ch_1";
    const OrderId settled = id_at(at(0));
    store.rows[settled] = {row("REFUNDED"), 4};
    store.rows[settled].first.settled_as = Settlement::NEVER_CHARGED;
    store.rows[id_at(at(0))] = {row("REFUNDED"), 2};
    Recovery recovery(at(1'400));

    recovery.step(store, f.calls, at(1'400));
    recovery.step(store, f.calls, at(1'401));
    CHECK(recovery.contradicted() == 2);
    store.rows.erase(denied);
    store.rows.erase(settled);
    for (int tick = 2; tick < 610; ++tick) recovery.step(store, f.calls, at(1'400 + tick));

    CHECK(recovery.contradicted() == 0);
}

TEST_CASE("recovery: a call without a clear outcome is made again with backoff, never forgotten") {
    CallsFixture f;
    MemoryPayments store;
    const OrderId id = id_at(at(0));
    store.rows[id] = {row("UNKNOWN"), 2};
    store.rows[id].first.attempts = 2;  // due 1 s after it was touched, at 1 s
    Recovery recovery(at(1));
    const std::vector<GatewayResult> unclear{charged(id, Unclear{"timeout"})};
    recovery.committed(unclear, at(1));

    recovery.step(store, f.calls, at(1));
    recovery.step(store, f.calls, at(1) + milliseconds{600});
    f.run();
    CHECK(f.gateway.asked.empty());
    CHECK(recovery.unknown() == 1);
    CHECK(recovery.oldest_unknown(at(61)) == seconds{60});
    recovery.step(store, f.calls, at(2));
    const auto results = f.take_results();

    CHECK(f.gateway.asked.size() == 1);
    recovery.committed(results, at(2));
    CHECK(recovery.unknown() == 0);
    CHECK(recovery.remembered() == 0);
}

TEST_CASE("recovery: a charge of a wrong amount is called again, clear as its answer was") {
    CallsFixture f;
    MemoryPayments store;
    const OrderId id = id_at(at(0));
    store.rows[id] = {row("UNKNOWN"), 2};
    store.rows[id].first.attempts = 1;  // due 0.5 s after it was touched, at 1 s
    Recovery recovery(at(1));
    recovery.step(store, f.calls, at(30));  // the walks have passed it
    f.run();
    f.take_results();
    f.gateway.asked.clear();
    recovery.step(store, f.calls, at(31));

    recovery.committed(std::vector{charged(id, Captured{"ch_1", {}})}, at(31),
                       {{id, Alarm::wrong_amount}});
    for (int tick = 0; tick < 5; ++tick) recovery.step(store, f.calls, at(32 + tick));
    f.run();

    CHECK(f.gateway.asked.size() == 1);
}

TEST_CASE("recovery: what the pools had no room for is called when they have") {
    CallsFixture f;
    MemoryPayments store;
    f.gateway.answering = false;
    std::vector<Call> calls;
    for (int i = 0; i < 10'000; ++i) {
        const OrderId id = id_at(at(0));
        store.rows[id] = {row("INTENT"), 1};
        calls.push_back(charge_of(id));
    }
    Recovery recovery(at(1));
    f.calls.submit(std::move(calls));
    recovery.step(store, f.calls, at(1));
    CHECK(recovery.remembered() == 10'000 - 8'192);

    f.gateway.answering = true;
    CallsFixture next;  // the gateway answers again: the waiting calls are made
    for (int tick = 2; tick < 8; ++tick) recovery.step(store, next.calls, at(tick));

    CHECK(next.take_results().size() == 10'000 - 8'192);
    CHECK(recovery.remembered() == 0);
}

TEST_CASE("recovery: more than can be remembered is walked over again") {
    CallsFixture f;
    MemoryPayments store;
    std::vector<GatewayResult> unclear;
    for (int i = 0; i < 50'100; ++i) {
        const OrderId id = id_at(at(i / 1'000));
        store.rows[id] = {row("UNKNOWN"), 2};
        store.rows[id].first.touched_at = at(100);
        store.rows[id].first.attempts = 8;
        unclear.push_back(charged(id, Unclear{"timeout"}));
    }
    Recovery recovery(at(100));
    recovery.committed(unclear, at(100));
    CHECK(recovery.remembered() == 50'000);

    // Every one is called within a minute or two of the gateway being back, however many.
    std::size_t called = 0;
    for (int tick = 0; tick < 600; ++tick) {
        recovery.step(store, f.calls, at(100) + milliseconds{200 * tick});
        auto results = f.take_results();
        called += results.size();
        for (const auto& done : results) store.rows.at(done.id).first.state = State::CAPTURED;
        recovery.committed(results, at(100) + milliseconds{200 * tick});
    }
    CHECK(called == 50'100);
    CHECK(recovery.unknown() == 0);
}
