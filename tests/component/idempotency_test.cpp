// The table of idempotency keys: two processes with one key, never both at once, never one after
// the other; and what is old is forgotten.

#include <future>
#include <set>

#include <catch2/catch_test_macros.hpp>

#include "component/subjects.hpp"
#include "core/wake_up.hpp"
#include "loops/context.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "order/saga/saga_commands.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/eventually.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using events::Service;
using order::Outcome;

// One process of the order service: a connection, and the work on it.
struct Instance {
    explicit Instance(TestDatabase& database) : connection(database.url()) {}

    order::PlaceOutcome place(const Story& story, const std::string& key) {
        std::vector<order::Placement> batch;
        batch.push_back({story.id, story.order, "", key, {}});
        std::vector<order::PlaceOutcome> outcomes;
        outbox::run_transaction(work, [&](Instant now, outbox::BatchOutput& out) {
            return order::place_orders(*store, *keys, batch, now, out, outcomes);
        });
        return outcomes.at(0);
    }
    order::CancelOutcome cancel(const Story& story, const std::string& key) {
        const std::vector<order::Cancellation> batch{{story.id, "", key, {}}};
        std::vector<order::CancelOutcome> outcomes;
        outbox::run_transaction(work, [&](Instant now, outbox::BatchOutput& out) {
            return order::cancel_orders(*store, *keys, batch, now, out, outcomes);
        });
        return outcomes.at(0);
    }

    postgres::Connection connection;
    WakeUp relay_wake_up;
    outbox::PostgresUnitOfWork work{connection, Service::order, relay_wake_up};
    const std::unique_ptr<order::SagaStore> store = order::make_saga_store(connection);
    const std::unique_ptr<order::KeyStore> keys = order::make_key_store(connection);
};

struct Lab {
    TestDatabase database{Service::order, subject(Service::order).migrations};
    Instance a{database}, b{database};

    std::int64_t count(const std::string& from) {
        return database.number("SELECT count(*) FROM " + from);
    }
};

}  // namespace

TEST_CASE("idempotency: the second process answers with the first one's order") {
    Lab lab;
    const Story first, again;
    Story other;
    other.order.customer_id = "CUST-002";

    CHECK(lab.a.place(first, "key-0001").id == first.id);
    const auto replayed = lab.b.place(again, "key-0001");
    CHECK(replayed.what == Outcome::done);
    CHECK(replayed.id == first.id);
    CHECK(lab.b.place(other, "key-0001").what == Outcome::mismatch);
    CHECK(lab.b.cancel(first, "key-0001").what == Outcome::mismatch);

    CHECK(lab.count("orders") == 1);
    CHECK(lab.count("outbox") == 1);
    CHECK(lab.count("idempotency_keys") == 1);
}

TEST_CASE("idempotency: a key in an open transaction holds nobody up, and is free if that fails") {
    Lab lab;
    const Story story, free;
    postgres::Connection other(lab.database.url());
    const auto keys = order::make_key_store(other);
    std::optional<postgres::Transaction> open(std::in_place, other);
    const std::vector<std::string_view> wanted{"key-0001"};
    keys->claim(wanted);

    CHECK(lab.a.place(story, "key-0001").what == Outcome::busy);
    CHECK(lab.a.place(free, "key-0002").what == Outcome::done);
    open.reset();  // rolled back
    CHECK(lab.a.place(story, "key-0001").what == Outcome::done);
    CHECK(lab.count("orders") == 2);
}

TEST_CASE("idempotency: a cancellation's first answer stays, whatever the order has come to") {
    Lab lab;
    const Story story;
    lab.a.place(story, "");
    CHECK(lab.a.cancel(story, "key-0001").state == order::State::CANCELLING);
    lab.database.query("UPDATE orders SET state = 'CANCELLED'");

    CHECK(lab.b.cancel(story, "key-0001").state == order::State::CANCELLING);
    CHECK(lab.b.cancel(story, "").state == order::State::CANCELLED);
    CHECK(lab.b.cancel(Story{}, "key-0001").what == Outcome::mismatch);
    CHECK(lab.count("outbox WHERE type = 'CancellationStarted.v1'") == 1);
}

TEST_CASE("idempotency: requests with one key at the same time place one order") {
    Lab lab;
    prometheus::Registry registry;
    WakeUp relay_wake_up;
    const order::Admission admission;
    const loops::Context context{Service::order, lab.database.url(), {}, registry, relay_wake_up};
    order::AcceptLoop one("accept", context, 1'000, order::accept_worker(admission));
    order::AcceptLoop two("accept", context, 1'000, order::accept_worker(admission));
    std::mutex mutex;
    std::map<std::string, std::set<OrderId>> heard;
    int answers = 0;

    for (int i = 0; i < 400; ++i) {
        const std::string key = "race-" + std::to_string(1'000 + i / 20);
        const auto note = [&, key](order::PlaceOutcome outcome) {
            const std::lock_guard lock(mutex);
            ++answers;
            if (outcome.what == Outcome::done) heard[key].insert(outcome.id);
            CHECK(outcome.what != Outcome::mismatch);
            CHECK(outcome.what != Outcome::unknown);
        };
        const Story story;
        CHECK((i % 2 ? one : two).submit({story.id, story.order, "", key, note}));
    }
    one.stop();
    two.stop();

    CHECK(answers == 400);
    CHECK(heard.size() == 20);
    for (const auto& [key, ids] : heard) CHECK(ids.size() == 1);
    CHECK(lab.count("orders") == 20);
    CHECK(lab.count("outbox") == 20);
}

TEST_CASE("idempotency: what is old is forgotten, what is not stays") {
    Lab lab;
    lab.a.place(Story{}, "key-old1");
    lab.database.query("UPDATE idempotency_keys SET created_at = now() - interval '1 day'");
    lab.a.place(Story{}, "key-new1");

    prometheus::Registry registry;
    WakeUp relay_wake_up;
    loops::Ticker loop = order::key_expiry_ticker(
        {Service::order, lab.database.url(), {}, registry, relay_wake_up}, 1s);
    CHECK(eventually(10s, [&] { return lab.count("idempotency_keys") == 0; }));
    loop.stop();
    const Story again;
    CHECK(lab.a.place(again, "key-old1").id == again.id);
}

// The real table, seen with a database's clock that a test sets.
class KeysAt final : public order::KeyStore {
public:
    explicit KeysAt(order::KeyStore& keys) : keys_(keys) {}
    order::Claims claim(std::span<const std::string_view> keys) override {
        return keys_.claim(keys);
    }
    void keep(std::span<const order::KeptKey> keys, Instant now) override { keys_.keep(keys, now); }
    Instant clock() override { return database_now; }
    void expire(Instant time) override { keys_.expire(time); }

    Instant database_now{};

private:
    order::KeyStore& keys_;
};

TEST_CASE("idempotency: a key lives as long as promised, whatever a clock says meanwhile") {
    Lab lab;
    prometheus::Registry registry;
    KeysAt keys(*lab.a.keys);
    order::KeyExpiry expiry(keys, 24h, registry);
    const Instant began = system_now();
    std::chrono::seconds passed{0};
    const auto steps = [&](std::chrono::minutes time, std::chrono::hours database_ahead,
                           std::chrono::hours process_ahead) {
        for (; time > 0min; time -= 1min) {
            keys.database_now = began + passed + database_ahead;
            expiry.step(began + passed + process_ahead, SafeAge::Steady{passed});
            passed += 1min;
        }
    };
    const Story first;
    lab.a.place(first, "key-mine");
    // One that was made while the database's clock was behind.
    const std::vector<order::KeptKey> behind{{"key-late", {Story{}.id, std::nullopt, {}}}};
    keys.keep(behind, began - 26h);

    steps(30min, 0h, 0h);
    steps(40min, 26h, 0h);
    steps(40min, 0h, 26h);
    steps(40min, 26h, 26h);
    steps(40min, 0h, 0h);
    CHECK(lab.count("idempotency_keys") == 2);
    CHECK(lab.b.place(Story{}, "key-mine").id == first.id);

    steps(std::chrono::minutes{25h}, 0h, 0h);
    CHECK(lab.count("idempotency_keys") == 0);
}

}  // namespace orderflow::test
