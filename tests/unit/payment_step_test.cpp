// The result step with its recovery, over ports in memory: results stay in hand until they are
// committed, and what is still open is called again soon, whatever became of its last call.

#include <deque>
#include <set>
#include <stdexcept>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include "payment/payment_results.hpp"
#include "support/fakes.hpp"
#include "support/memory_payments.hpp"

namespace orderflow::payment {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::at;

const Money kPrice{1500, {}};

// Gives the answers that were planned, then captures.
class PlannedGateway final : public Gateway {
public:
    boost::asio::awaitable<ChargeResult> charge(Call call) override {
        asked.push_back(call.id);
        ChargeResult answer = Captured{"ch_1", call.amount};
        if (!answers.empty()) {
            answer = answers.front();
            answers.pop_front();
        }
        co_return answer;
    }
    boost::asio::awaitable<CancelResult> cancel(OrderId) override { co_return NothingTaken{}; }

    std::deque<ChargeResult> answers;
    std::vector<OrderId> asked;
};

// Fails for rows that it is told to, and wholly when it is told to.
class FragileStore final : public test::MemoryPayments {
public:
    Payments load(std::span<const OrderId> ids) override {
        for (const OrderId& id : ids) {
            if (unreadable.contains(id)) throw std::invalid_argument("unreadable row");
        }
        return MemoryPayments::load(ids);
    }
    OpenPage scan_open(const OrderId& after, const OrderId& upto, std::int64_t limit) override {
        ++scans;
        if (out_of_reach) throw postgres::DatabaseError("gone", "08006", true);
        return MemoryPayments::scan_open(after, upto, limit);
    }

    std::set<OrderId> unreadable;
    bool out_of_reach = false;
    int scans = 0;
};

class Notes final : public ResultWatcher {
public:
    void committed(std::span<const GatewayResult> results,
                   const PaymentMetrics::EventCounts&) override {
        told.push_back("committed " + std::to_string(results.size()));
    }
    void failed(const OrderId&, const std::string& what) override {
        told.push_back("failed: " + what);
    }
    void raised(const OrderId&, Alarm) override { told.push_back("alarm"); }

    std::vector<std::string> told;
};

using Told = std::vector<std::string>;

// A payment service's memory after its recovery has walked over the table, which is at 100 s.
struct Till {
    Till() {
        for (int i = 0; i < 2; ++i) step.recover(at(100 + i));
    }

    // An intent in a part of the table that both walks have passed, and the call for it.
    OrderId charge() {
        const OrderId id = ids.next<OrderId>(at(50));
        open(id, at(101));
        calls.submit({{id, CallKind::charge, kPrice, "tok_ok"}});
        run();
        return id;
    }
    void open(const OrderId& id, Instant when) {
        Payment payment;
        payment.order = test::an_order();
        payment.order->total = kPrice.amount;
        payment.touched_at = payment.opened_at = when;
        store.rows[id] = {payment, 1};
    }
    void run() {
        io.restart();
        io.poll();
    }
    bool take() { return step.take(results, milliseconds{0}); }
    // Every 200 ms; what comes back is committed.
    void pass(Instant from, Instant to) {
        for (Instant now = from; now < to; now += milliseconds{200}) {
            step.recover(now);
            run();
            if (take()) step.commit(now);
        }
    }

    IdSource ids;
    boost::asio::io_context io;
    PlannedGateway gateway;
    BatchQueue<GatewayResult> results{100, {100, 1, milliseconds{0}}};
    Calls calls{io, gateway, results};
    FragileStore store;
    test::FakeUnitOfWork work;
    Notes notes;
    ResultStep step{work, store, calls, notes, at(100)};
};

}  // namespace

TEST_CASE("payment step: results stay in hand until they are committed") {
    Till till;
    const OrderId id = till.charge();
    REQUIRE(till.take());
    till.work.failing = "begin";

    CHECK_THROWS_AS(till.step.commit(at(102)), postgres::DatabaseError);

    CHECK(till.notes.told.empty());
    CHECK(till.step.in_hand().size() == 1);
    CHECK(till.take());  // waits for nothing else
    till.calls.submit({{id, CallKind::charge, kPrice, "tok_ok"}});
    till.run();
    CHECK(till.gateway.asked.size() == 1);  // its order still counts as being called

    till.work.failing.clear();
    till.step.commit(at(103));

    CHECK(till.store.state(id) == State::CAPTURED);
    CHECK(till.step.in_hand().empty());
    CHECK(till.notes.told == Told{"committed 1"});
    CHECK_FALSE(till.take());
    till.calls.submit({{id, CallKind::retry, kPrice, "tok_ok"}});
    till.run();
    CHECK(till.gateway.asked.size() == 2);  // and now no more
}

TEST_CASE("payment step: a call without a clear outcome is made again within a second") {
    Till till;
    till.gateway.answers = {Unclear{"timeout"}};
    const OrderId id = till.charge();

    till.pass(at(102), at(103));

    CHECK(till.gateway.asked == std::vector{id, id});
    CHECK(till.store.state(id) == State::CAPTURED);
}

TEST_CASE("payment step: a gateway that asks to be left alone is not called before") {
    Till till;
    till.gateway.answers = {Unclear{"status 429", seconds{30}}};
    const OrderId id = till.charge();

    till.pass(at(102), at(131));
    CHECK(till.gateway.asked == std::vector{id});
    till.pass(at(131), at(134));

    CHECK(till.gateway.asked == std::vector{id, id});
    CHECK(till.store.state(id) == State::CAPTURED);
}

TEST_CASE("payment step: an alarm is sounded, and the payment is called again") {
    Till till;
    till.gateway.answers = {Captured{"ch_1", {1499, {}}}};
    const OrderId id = till.charge();

    till.pass(at(102), at(103));

    CHECK(till.notes.told == Told{"committed 1", "alarm", "committed 1"});
    CHECK(till.gateway.asked == std::vector{id, id});
    CHECK(till.store.state(id) == State::CAPTURED);
}

TEST_CASE("payment step: a bad result is reported, and its call repeated in a minute") {
    Till till;
    const OrderId bad = till.charge();
    const OrderId good = till.charge();
    till.store.unreadable = {bad};

    till.pass(at(102), at(160));

    CHECK(till.notes.told == Told{"committed 1", "failed: unreadable row", "committed 1"});
    CHECK(till.store.state(good) == State::CAPTURED);
    CHECK(till.gateway.asked == std::vector{bad, good});

    till.store.unreadable.clear();
    till.pass(at(160), at(163));

    CHECK(till.gateway.asked == std::vector{bad, good, bad});
    CHECK(till.store.state(bad) == State::CAPTURED);
}

TEST_CASE("payment step: what is committed is reported, though the rest is unavailable") {
    Till till;
    till.gateway.answers = {Captured{"ch_1", {1499, {}}}};
    std::vector<OrderId> ids;
    for (int i = 0; i < 4; ++i) ids.push_back(till.charge());
    till.store.unreadable = {ids[3]};
    int transactions = 0;
    const auto before = till.work.on_begin;
    till.work.on_begin = [&] {
        if (before) before();
        // The whole, then the first half, which is committed; then the connection breaks.
        if (++transactions == 3) throw postgres::DatabaseError("gone", "08006", true);
    };
    REQUIRE(till.take());

    CHECK_THROWS_AS(till.step.commit(at(102)), postgres::DatabaseError);

    CHECK(till.notes.told == Told{"committed 2", "alarm"});
    REQUIRE(till.step.in_hand().size() == 2);
    CHECK(till.step.in_hand()[0].id == ids[2]);
    till.step.commit(at(102));
    CHECK(till.notes.told ==
          Told{"committed 2", "alarm", "committed 1", "committed 1", "failed: unreadable row"});
    CHECK(till.step.in_hand().empty());
    CHECK(till.store.state(ids[2]) == State::CAPTURED);
}

TEST_CASE("payment step: a recent call that nobody remembers is found within seconds") {
    Till till;
    const OrderId id = till.ids.next<OrderId>(at(102));
    till.open(id, at(102));  // and whoever opened it died

    till.pass(at(102), at(112));
    CHECK(till.gateway.asked.empty());
    till.pass(at(112), at(118));

    CHECK(till.gateway.asked == std::vector{id});
}

TEST_CASE("payment step: the recovery looks every 200 ms, and 5 s after a failure") {
    Till till;
    CHECK(till.step.recover(at(110)));
    CHECK_FALSE(till.step.recover(at(110) + milliseconds{199}));
    CHECK(till.step.recover(at(110) + milliseconds{200}));

    till.store.out_of_reach = true;
    CHECK_THROWS_AS(till.step.recover(at(120)), postgres::DatabaseError);
    const int scans = till.store.scans;
    CHECK_FALSE(till.step.recover(at(124)));
    CHECK(till.store.scans == scans);
    till.store.out_of_reach = false;
    CHECK(till.step.recover(at(125)));
    CHECK(till.store.scans > scans);
}

}  // namespace orderflow::payment
