// The table of idempotency keys: two processes with one key, never both at once, never one after
// the other; and what is old is forgotten.

#include <future>
#include <set>

#include <catch2/catch_test_macros.hpp>

#include "component/subjects.hpp"
#include "loops/context.hpp"
#include "loops/key_expiry.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "order/saga/saga_commands.hpp"
#include "outbox/relay_feed.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/commands.hpp"
#include "support/eventually.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using events::Service;
using outbox::Fate;

// One process of the order service: a connection, and the work on it.
struct Instance {
    explicit Instance(TestDatabase& database) : connection(database.url()) {}

    order::AcceptLoop::Answer place(const Story& story, const std::string& key) {
        std::vector<order::Placement> batch{{story.id, story.order, "", key}};
        return carry_out(work, order::place_orders(store, keys), batch).at(0);
    }
    order::CancelLoop::Answer cancel(const Story& story, const std::string& key) {
        std::vector<order::Cancellation> batch{{story.id, "", key}};
        return carry_out(work, order::cancel_orders(store, keys), batch).at(0);
    }

    postgres::Connection connection;
    outbox::RelayFeed relay_feed;
    outbox::PostgresUnitOfWork work{connection, Service::order, relay_feed};
    const std::shared_ptr<order::SagaStore> store = order::make_saga_store(connection);
    const std::shared_ptr<outbox::RequestKeys> keys = outbox::make_request_keys(connection);
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

    CHECK(lab.a.place(first, "key-0001").outcome == first.id);
    const auto replayed = lab.b.place(again, "key-0001");
    CHECK(replayed.fate == Fate::done);
    CHECK(replayed.outcome == first.id);
    CHECK(lab.b.place(other, "key-0001").fate == Fate::mismatch);
    CHECK(lab.b.cancel(first, "key-0001").fate == Fate::mismatch);

    CHECK(lab.count("orders") == 1);
    CHECK(lab.count("outbox") == 1);
    CHECK(lab.count("request_keys") == 1);
}

TEST_CASE("idempotency: a key in an open transaction holds nobody up, and is free if that fails") {
    Lab lab;
    const Story story, free;
    postgres::Connection other(lab.database.url());
    const auto keys = outbox::make_request_keys(other);
    std::optional<postgres::Transaction> open(std::in_place, other);
    const std::vector<std::string_view> wanted{"key-0001"};
    keys->claim(wanted);

    CHECK(lab.a.place(story, "key-0001").fate == Fate::busy);
    CHECK(lab.a.place(free, "key-0002").fate == Fate::done);
    open.reset();  // rolled back
    CHECK(lab.a.place(story, "key-0001").fate == Fate::done);
    CHECK(lab.count("orders") == 2);
}

TEST_CASE("idempotency: a cancellation's first answer stays, whatever the order has come to") {
    Lab lab;
    const Story story;
    lab.a.place(story, "");
    CHECK(lab.a.cancel(story, "key-0001").outcome == order::State::CANCELLING);
    lab.database.query("UPDATE orders SET state = 'CANCELLED'");

    CHECK(lab.b.cancel(story, "key-0001").outcome == order::State::CANCELLING);
    CHECK(lab.b.cancel(story, "").outcome == order::State::CANCELLED);
    CHECK(lab.b.cancel(Story{}, "key-0001").fate == Fate::mismatch);
    CHECK(lab.count("outbox WHERE type = 'CancellationStarted.v1'") == 1);
}

TEST_CASE("idempotency: programs from before and after migration 3 know each other's keys") {
    Lab lab;
    const Story story, earlier;
    lab.a.place(story, "key-new1");
    lab.a.cancel(story, "key-new2");
    CHECK(
        lab.database.query("SELECT key || ' ' || order_id || ' ' || coalesce(answer, 'placed')"
                           " || ' ' || (request IS NOT NULL) FROM idempotency_keys ORDER BY key") ==
        std::vector<std::string>{"key-new1 " + story.id.to_string() + " placed true",
                                 "key-new2 " + story.id.to_string() + " CANCELLING false"});

    const std::string request =
        lab.database.query("SELECT request FROM request_keys WHERE key = 'key-new1'").at(0);
    const std::string id = earlier.id.to_string();
    lab.database.query(
        "INSERT INTO idempotency_keys VALUES"
        " ('key-old1', '" +
        id + "', NULL, '" + request +
        "', now()),"
        " ('key-old2', '" +
        id + "', 'CANCELLED', NULL, now())");
    CHECK(lab.b.place(Story{}, "key-old1").outcome == earlier.id);
    CHECK(lab.b.cancel(earlier, "key-old2").outcome == order::State::CANCELLED);

    lab.a.keys->expire(system_now() + 1h);
    CHECK(lab.count("request_keys") == 0);
    CHECK(lab.count("idempotency_keys") == 0);
}

TEST_CASE("idempotency: requests with one key at the same time place one order") {
    Lab lab;
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    const order::Admission admission;
    const loops::Context context{Service::order, lab.database.url(), {}, registry, relay_feed};
    order::AcceptLoop one("accept", context, 1'000, order::accept_steps(admission));
    order::AcceptLoop two("accept", context, 1'000, order::accept_steps(admission));
    Callers callers;
    std::map<std::string, std::set<OrderId>> heard;
    int answers = 0;

    for (int i = 0; i < 400; ++i) {
        const std::string key = "race-" + std::to_string(1'000 + i / 20);
        const auto note = [&, key](order::AcceptLoop::Answer answer) {
            ++answers;
            CHECK(answer.fate == Fate::done);
            heard[key].insert(answer.outcome);
        };
        const Story story;
        callers.send<order::Placement, OrderId>(i % 2 ? one : two, {story.id, story.order, "", key},
                                                note);
    }
    callers.wait();

    CHECK(answers == 400);
    CHECK(heard.size() == 20);
    for (const auto& [key, ids] : heard) CHECK(ids.size() == 1);
    CHECK(lab.count("orders") == 20);
    CHECK(lab.count("outbox") == 20);
}

TEST_CASE("idempotency: what is old is forgotten, what is not stays") {
    Lab lab;
    lab.a.place(Story{}, "key-old1");
    lab.database.query("UPDATE request_keys SET created_at = now() - interval '1 day'");
    lab.a.place(Story{}, "key-new1");

    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    loops::Ticker loop = loops::key_expiry_ticker(
        {Service::order, lab.database.url(), {}, registry, relay_feed}, 1s);
    CHECK(eventually(10s, [&] { return lab.count("request_keys") == 0; }));
    loop.stop();
    const Story again;
    CHECK(lab.a.place(again, "key-old1").outcome == again.id);
}

// The real table, seen with a database's clock that a test sets.
class KeysAt final : public outbox::RequestKeys {
public:
    explicit KeysAt(outbox::RequestKeys& keys) : keys_(keys) {}
    outbox::Claims<outbox::KeptAnswer> claim(std::span<const std::string_view> keys) override {
        return keys_.claim(keys);
    }
    void keep(std::span<const outbox::KeptKey<outbox::KeptAnswer>> keys, Instant now) override {
        keys_.keep(keys, now);
    }
    Instant clock() override { return database_now; }
    void expire(Instant time) override { keys_.expire(time); }

    Instant database_now{};

private:
    outbox::RequestKeys& keys_;
};

TEST_CASE("idempotency: a key lives as long as promised, whatever a clock says meanwhile") {
    Lab lab;
    prometheus::Registry registry;
    KeysAt keys(*lab.a.keys);
    loops::KeyExpiry expiry(keys, 24h, registry);
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
    const outbox::KeptAnswer late{new_id<Digest>(), Story{}.id.to_string()};
    const outbox::KeptKey<outbox::KeptAnswer> behind{"key-late", &late};
    keys.keep(std::span(&behind, 1), began - 26h);

    steps(30min, 0h, 0h);
    steps(40min, 26h, 0h);
    steps(40min, 0h, 26h);
    steps(40min, 26h, 26h);
    steps(40min, 0h, 0h);
    CHECK(lab.count("request_keys") == 2);
    CHECK(lab.b.place(Story{}, "key-mine").outcome == first.id);

    steps(std::chrono::minutes{25h}, 0h, 0h);
    CHECK(lab.count("request_keys") == 0);
}

}  // namespace orderflow::test
