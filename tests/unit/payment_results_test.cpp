// The result step and an operator's settling, over a store and a transaction in memory: one bad
// result holds up no other, and nothing is lost when the database is unavailable.

#include <functional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <prometheus/counter.h>

#include "outbox/unit_of_work.hpp"
#include "payment/payment_results.hpp"
#include "support/fakes.hpp"
#include "support/memory_payments.hpp"

namespace orderflow::payment {
namespace {

using events::Event;
using events::EventKind;
using outbox::BatchOutput;
using test::at;
using test::MemoryPayments;
using test::Story;

const std::string kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

// Throws when it is asked for one of `poisoned`, as for a row that cannot be read.
class PoisonedStore final : public MemoryPayments {
public:
    Payments load(std::span<const OrderId> ids) override {
        for (const OrderId& id : ids) {
            if (std::ranges::find(poisoned, id) != poisoned.end()) {
                throw std::invalid_argument("unreadable row");
            }
        }
        return MemoryPayments::load(ids);
    }
    std::vector<OrderId> poisoned;
};

// A table whose transactions can be rolled back.
struct Database {
    Database() {
        work.on_begin = [this] { before = store.rows; };
        work.on_rollback = [this] { store.rows = before; };
    }

    // A payment in that state.
    void add(const Story& story, State state) {
        Payment payment;
        payment.state = state;
        payment.order = story.order;
        payment.touched_at = payment.opened_at = at(1);
        payment.traceparent = kTrace;
        store.rows[story.id] = {payment, 1};
    }
    std::string state(const Story& story) const {
        return boost::describe::enum_to_string(store.state(story.id), "?");
    }

    PoisonedStore store;
    test::FakeUnitOfWork work;
    std::map<OrderId, std::pair<Payment, std::int64_t>> before;
};

GatewayResult captured(const Story& story, std::int64_t amount = 1500) {
    return {story.id, ChargeResult{Captured{"ch_1", {amount, {}}}}};
}
GatewayResult refunded(const Story& story) {
    return {story.id, CancelResult{Refunded{{1500, {}}}}};
}
GatewayResult nothing_taken(const Story& story) { return {story.id, CancelResult{NothingTaken{}}}; }

// The reports of all parts as one.
ResultReport commit_all(Database& database, std::span<const GatewayResult> results) {
    ResultReport all;
    std::size_t done = 0;
    commit_results(
        database.work, database.store, results,
        [&](std::span<const GatewayResult> part, const ResultReport& report) {
            CHECK(part.data() == results.data() + done);  // each once, in order
            done += part.size();
            for (std::size_t i = 0; i < all.emitted.size(); ++i) {
                all.emitted[i] += report.emitted[i];
            }
            all.alarms.insert(all.alarms.end(), report.alarms.begin(), report.alarms.end());
            all.failed.insert(all.failed.end(), report.failed.begin(), report.failed.end());
        });
    CHECK(done == results.size());
    return all;
}

std::size_t captures(const ResultReport& report) {
    return report.emitted[static_cast<std::size_t>(EventKind::PaymentCaptured)];
}

// Settles it as `settle_payment` is used: in a transaction. Whether the payment was in the state
// for it.
bool settle_in(Database& database, const OrderId& id, Settlement as, BatchOutput& emitted) {
    bool settled = false;
    outbox::run_transaction(database.work, [&](Instant now, BatchOutput& out) {
        const bool saved = settle_payment(database.store, id, as, "kim", now, out, settled);
        emitted.events = out.events;
        return saved;
    });
    return settled;
}

}  // namespace

TEST_CASE("payment results: one that cannot be handled is reported, the others are committed") {
    const auto bad = GENERATE(0u, 3u, 6u);
    Database database;
    std::vector<Story> stories(7);
    std::vector<GatewayResult> results;
    for (const Story& story : stories) {
        database.add(story, State::INTENT);
        results.push_back(captured(story));
    }
    database.store.poisoned = {stories[bad].id};

    const ResultReport report = commit_all(database, results);

    REQUIRE(report.failed.size() == 1);
    CHECK(report.failed[0].first == stories[bad].id);
    CHECK(report.failed[0].second == "unreadable row");
    CHECK(captures(report) == 6);
    for (std::size_t i = 0; i < stories.size(); ++i) {
        CHECK(database.state(stories[i]) == (i == bad ? "INTENT" : "CAPTURED"));
    }
    std::size_t appended = 0;
    for (const auto& call : database.work.calls) {
        for (auto pos = call.find("PaymentCaptured"); pos != std::string::npos;
             pos = call.find("PaymentCaptured", pos + 1)) {
            ++appended;
        }
    }
    CHECK(appended == 6);
}

TEST_CASE("payment results: with the database unavailable nothing is reported, nothing lost") {
    const std::string where = GENERATE("begin", "commit");
    CAPTURE(where);
    Database database;
    std::vector<Story> stories(5);
    std::vector<GatewayResult> results;
    for (const Story& story : stories) {
        database.add(story, State::INTENT);
        results.push_back(captured(story));
    }
    database.work.failing = where;

    CHECK_THROWS_AS(commit_all(database, results), postgres::DatabaseError);
    CHECK(database.work.calls.back() == "rollback");
    for (const Story& story : stories) CHECK(database.state(story) == "INTENT");

    database.work.failing.clear();
    const ResultReport report = commit_all(database, results);
    CHECK(report.failed.empty());
    CHECK(captures(report) == 5);
    for (const Story& story : stories) CHECK(database.state(story) == "CAPTURED");
}

TEST_CASE("payment results: unavailable in the midst of bisecting, the same may come again") {
    Database database;
    std::vector<Story> stories(4);
    std::vector<GatewayResult> results;
    for (const Story& story : stories) {
        database.add(story, State::INTENT);
        results.push_back(captured(story));
    }
    database.store.poisoned = {stories[3].id};
    int transactions = 0;
    const auto remember = database.work.on_begin;
    database.work.on_begin = [&] {
        remember();
        // The whole, then the first half, which is committed; then the connection breaks.
        if (++transactions == 3) throw postgres::DatabaseError("gone", "08006", true);
    };

    CHECK_THROWS_AS(commit_all(database, results), postgres::DatabaseError);
    CHECK(database.state(stories[1]) == "CAPTURED");
    const ResultReport report = commit_all(database, results);

    CHECK(captures(report) == 1);  // those that were committed emit nothing a second time
    CHECK(report.failed.size() == 1);
    CHECK(database.state(stories[2]) == "CAPTURED");
}

TEST_CASE("payment results: a wrong amount raises its alarm, once, and is asked for again") {
    Database database;
    const Story wrong;
    const Story right;
    database.add(wrong, State::INTENT);
    database.add(right, State::INTENT);
    database.store.lose_next_save = GENERATE(false, true);

    const std::vector<GatewayResult> results{captured(wrong, 1499), captured(right)};
    const ResultReport report = commit_all(database, results);

    CHECK(report.alarms == Alarms{{wrong.id, Alarm::wrong_amount}});
    CHECK(captures(report) == 1);
    CHECK(report.failed.empty());
    CHECK(database.state(wrong) == "UNKNOWN");
    CHECK(database.store.rows.at(wrong.id).first.attempts == 1);
    CHECK(database.state(right) == "CAPTURED");
}

TEST_CASE("payment results: a contradiction to an operator raises its alarm and emits nothing") {
    Database database;
    const Story agreed;
    const Story denied;
    BatchOutput ignored;
    for (const Story* story : {&agreed, &denied}) {
        database.add(*story, State::CANCELLING);
        REQUIRE(settle_in(database, story->id, Settlement::REFUNDED, ignored));
    }
    database.work.calls.clear();

    const std::vector<GatewayResult> results{refunded(agreed), nothing_taken(denied)};
    const ResultReport report = commit_all(database, results);

    CHECK(report.alarms == Alarms{{denied.id, Alarm::settled_otherwise}});
    CHECK(report.emitted == PaymentMetrics::EventCounts{});
    CHECK(database.work.calls == std::vector<std::string>{"begin", "commit"});
    CHECK(database.state(agreed) == "REFUNDED");
    CHECK(database.state(denied) == "NEVER_CHARGED");
}

TEST_CASE("payment results: alarms are counted, each by its name") {
    prometheus::Registry registry;
    PaymentMetrics metrics(registry);
    metrics.count(Alarm::settled_otherwise);
    metrics.count(Alarm::wrong_amount);
    metrics.count(Alarm::wrong_amount);
    CHECK(metrics.wrong_amount.Value() == 2);
    CHECK(metrics.settled_otherwise.Value() == 1);
}

TEST_CASE("payment settled by hand: the row is kept, its answer emitted with the order's trace") {
    Database database;
    const Story story;
    database.add(story, State::CANCELLING);
    BatchOutput out;

    CHECK(settle_in(database, story.id, Settlement::NEVER_CHARGED, out));

    const Payment& row = database.store.rows.at(story.id).first;
    CHECK(row.state == State::SETTLED);
    CHECK(row.settled_as == Settlement::NEVER_CHARGED);
    CHECK(row.settled_by == "kim");
    CHECK(row.touched_at == at(0));  // the transaction's clock
    REQUIRE(out.events.size() == 1);
    CHECK(out.events[0].data ==
          Event{events::NothingToCompensate{story.id, events::Participant::payment, "kim"}});
    CHECK(out.events[0].traceparent == kTrace);
    CHECK(database.work.calls == std::vector<std::string>{"begin", "commit NothingToCompensate"});
}

TEST_CASE("payment settled by hand: refused for an unknown order and in every other state") {
    Database database;
    const Story story;
    const auto state = GENERATE(State::INTENT, State::UNKNOWN, State::CAPTURED, State::DECLINED,
                                State::SETTLED, State::REFUNDED, State::NEVER_CHARGED);
    database.add(story, state);
    const auto rows = database.store.rows;
    BatchOutput out;

    CHECK_FALSE(settle_in(database, story.id, Settlement::REFUNDED, out));
    CHECK_FALSE(settle_in(database, Story{}.id, Settlement::REFUNDED, out));

    CHECK(out.events.empty());
    CHECK(database.store.rows == rows);
}

TEST_CASE("payment settled by hand: the loser of a race looks again and finds it answered") {
    Database database;
    const Story story;
    database.add(story, State::CANCELLING);
    database.store.lose_next_save = true;
    // Meanwhile the gateway answered, to another process.
    const auto restore = database.work.on_rollback;
    database.work.on_rollback = [&] {
        restore();
        const std::vector<GatewayResult> results{refunded(story)};
        BatchOutput out;
        Alarms alarms;
        apply_results(database.store, results, at(3), out, alarms);
    };
    BatchOutput out;

    CHECK_FALSE(settle_in(database, story.id, Settlement::NEVER_CHARGED, out));

    CHECK(out.events.empty());
    CHECK(database.state(story) == "REFUNDED");
}

namespace {

// Notes what it is asked, and knows no answer.
class SilentGateway final : public Gateway {
public:
    boost::asio::awaitable<ChargeResult> charge(Call call) override {
        asked.push_back("charge " + call.id.to_string());
        co_return Unclear{"timeout"};
    }
    boost::asio::awaitable<CancelResult> cancel(OrderId id) override {
        asked.push_back("cancel " + id.to_string());
        co_return Unclear{"timeout"};
    }
    std::vector<std::string> asked;
};

}  // namespace

TEST_CASE("payment settled by hand: the cancel is repeated until the gateway answers") {
    Database database;
    Story story;
    story.id = IdSource().next<OrderId>(at(0));
    database.add(story, State::CANCELLING);
    BatchOutput out;
    REQUIRE(settle_in(database, story.id, Settlement::REFUNDED, out));
    boost::asio::io_context io;
    SilentGateway gateway;
    BatchQueue<GatewayResult> results{100, {100, 1, std::chrono::milliseconds{0}}};
    Calls calls(io, gateway, results);
    Recovery recovery(at(20));

    for (int second = 20; second < 60; ++second) {
        recovery.step(database.store, calls, at(second));
        io.restart();
        io.poll();
        const auto answers = results.take(std::chrono::milliseconds{0});
        if (answers.empty()) continue;
        commit_all(database, answers);
        calls.committed(answers);
        recovery.committed(answers, at(second));
    }

    const std::string ask = "cancel " + story.id.to_string();
    CHECK(gateway.asked.size() >= 2);
    for (const auto& call : gateway.asked) CHECK(call == ask);
    CHECK(database.state(story) == "SETTLED");
    const auto attempts = database.store.rows.at(story.id).first.attempts;
    CHECK(attempts == static_cast<int>(gateway.asked.size()));
}

TEST_CASE("payment recovery: a result that could not be handled is asked for again in a minute") {
    Database database;
    Story story;
    story.id = IdSource().next<OrderId>(at(0));
    database.add(story, State::INTENT);
    boost::asio::io_context io;
    SilentGateway gateway;
    BatchQueue<GatewayResult> results{100, {100, 1, std::chrono::milliseconds{0}}};
    Calls calls(io, gateway, results);
    Recovery recovery(at(5));
    recovery.failed(story.id, at(5));

    for (int second = 5; second < 65; ++second) {
        recovery.step(database.store, calls, at(second));
    }
    io.poll();
    CHECK(gateway.asked.empty());
    recovery.step(database.store, calls, at(65));
    io.restart();
    io.poll();

    CHECK(gateway.asked == std::vector<std::string>{"charge " + story.id.to_string()});
}

}  // namespace orderflow::payment
