// The relay between PostgreSQL and Kafka, while events are appended: it may die at any instant and
// in any way, no event is lost and each order's events first appear in the ledger's order.

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "component/own_ledger.hpp"
#include "component/subjects.hpp"
#include "kafka/producer.hpp"
#include "loops/relay_loop.hpp"
#include "outbox/postgres_ledger.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/relay.hpp"
#include "outbox/relay_feed.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/metrics.hpp"
#include "support/process.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using events::Service;
using outbox::BatchOutput;
using Arrivals = std::vector<TopicReader::Arrival>;

// Appends events of a few orders until it is stopped, in small transactions.
class Appenders {
public:
    Appenders(const std::string& url, outbox::RelayFeed& relay_feed) {
        for (int i = 0; i < 3; ++i) {
            threads_.emplace_back(
                [this, url, &relay_feed](std::stop_token stop) { run(stop, url, relay_feed); });
        }
    }
    void stop() { threads_.clear(); }
    int appended() const { return appended_; }

private:
    void run(std::stop_token stop, const std::string& url, outbox::RelayFeed& relay_feed) {
        postgres::Connection connection(url);
        outbox::PostgresUnitOfWork work(connection, Service::order, relay_feed);
        std::vector<Story> stories(4);
        for (std::size_t round = 0; !stop.stop_requested(); ++round) {
            try {
                outbox::run_transaction(work, [&](Instant, BatchOutput& out) {
                    for (std::size_t i = 0; i <= round % 3; ++i) {
                        out.emit(stories[(round + i) % stories.size()].placed(), "");
                    }
                    return true;
                });
                appended_ += static_cast<int>(1 + round % 3);
            } catch (const postgres::DatabaseError&) {
                connection.reset();  // the test cuts connections
            }
            std::this_thread::sleep_for(1ms);
        }
    }

    std::atomic<int> appended_ = 0;
    std::vector<std::jthread> threads_;
};

// A relay as RelayLoop runs it, that ends in the middle of its work: after `events` produced ones
// connection and producer are destroyed, without a last report or checkpoint.
void relay_and_die(const std::string& url, std::size_t events) {
    OwnLedger ledger(url);
    REQUIRE(eventually(10s, [&] { return ledger->lead(); }));
    const auto producer = kafka::make_producer(fresh_kafka(), Service::order);
    outbox::Relay relay(*ledger, *producer, {.read_rows = 40, .checkpoint_every = 0ms});
    relay.start();
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    for (std::size_t produced = 0; produced < events;) {
        produced += relay.step(std::chrono::steady_clock::now());
        if (std::chrono::steady_clock::now() > deadline) break;
    }
}

std::int64_t behind(TestDatabase& database) {
    return database.number(
        "SELECT coalesce((SELECT max(seq) FROM outbox), 0) - seq"
        " FROM relay_checkpoint");
}

// Reads the topic until every event of the outbox is there; checks that none is missing, that each
// order stays in one partition, and that first occurrences follow the ledger per order.
void check_topic(TestDatabase& database, TopicReader& reader) {
    std::map<std::string, std::vector<std::string>> ledger;  // order → event ids in seq order
    std::set<std::string> ours;
    const auto keys = database.query("SELECT key FROM outbox ORDER BY seq");
    const auto ids = database.query("SELECT event_id FROM outbox ORDER BY seq");
    for (std::size_t i = 0; i < keys.size(); ++i) {
        ledger[keys[i]].push_back(ids[i]);
        ours.insert(ids[i]);
    }
    std::set<std::string> missing = ours;
    std::size_t looked_at = 0;
    const auto& arrivals = reader.read_until([&](const Arrivals& all) {
        for (; looked_at < all.size(); ++looked_at) missing.erase(all[looked_at].event_id);
        return missing.empty();
    });
    CHECK(missing.empty());

    std::map<std::string, std::vector<std::string>> firsts;
    std::map<std::string, std::set<int>> partitions;
    std::set<std::string> seen;
    for (const auto& arrival : arrivals) {
        // Another test's: also of an order that the service has heard of from there.
        if (!ours.contains(arrival.event_id)) continue;
        partitions[arrival.key].insert(arrival.partition);
        if (seen.insert(arrival.event_id).second) firsts[arrival.key].push_back(arrival.event_id);
    }
    CHECK(firsts == ledger);
    for (const auto& [key, where] : partitions) CHECK(where.size() == 1);
}

}  // namespace

TEST_CASE("relay: it dies again and again while events are appended, and loses none") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    TopicReader reader("order-events");
    outbox::RelayFeed relay_feed;
    Appenders appenders(database.url(), relay_feed);

    for (int life = 0; life < 10; ++life) {
        relay_and_die(database.url(), 20 + static_cast<std::size_t>(life) * 13);
    }
    CHECK(eventually(20s, [&] { return appenders.appended() > 300; }));
    appenders.stop();
    prometheus::Registry registry;
    loops::RelayLoop last({Service::order, database.url(), fresh_kafka(), registry, relay_feed});

    CHECK(eventually(30s, [&] { return behind(database) == 0; }));
    last.stop();
    check_topic(database, reader);
}

TEST_CASE("relay: the service is killed with SIGKILL while events are appended, and none is lost") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    const auto kafka = fresh_group(Service::order);
    TopicReader reader("order-events");
    outbox::RelayFeed relay_feed;
    const std::vector<std::string> arguments{"--database-url", database.url(), "--brokers",
                                             kafka.brokers,    "--group-id",   kafka.group_id,
                                             "--client-id",    kafka.client_id};
    Appenders appenders(database.url(), relay_feed);

    for (int life = 0; life < 4; ++life) {
        ServiceProcess service("order-service", arguments);
        const auto before = database.number("SELECT seq FROM relay_checkpoint");
        CHECK(eventually(
            20s, [&] { return database.number("SELECT seq FROM relay_checkpoint") > before; }));
        service.kill();
    }
    appenders.stop();
    ServiceProcess service("order-service", arguments);

    CHECK(eventually(30s, [&] { return behind(database) == 0; }));
    CHECK(service.stop() == 0);
    check_topic(database, reader);
}

TEST_CASE("relay: two of them, and the leader loses its connection again and again") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    TopicReader reader("order-events");
    prometheus::Registry registries[2];
    outbox::RelayFeed feeds[2];
    const auto kafka = fresh_kafka();
    loops::RelayLoop one({Service::order, database.url(), kafka, registries[0], feeds[0]});
    loops::RelayLoop two({Service::order, database.url(), kafka, registries[1], feeds[1]});
    Appenders appenders(database.url(), feeds[0]);

    for (int round = 0; round < 6; ++round) {
        const auto before = database.number("SELECT seq FROM relay_checkpoint");
        CHECK(eventually(
            20s, [&] { return database.number("SELECT seq FROM relay_checkpoint") > before; }));
        CHECK(database.number(
                  "SELECT count(pg_terminate_backend(pid)) FROM pg_locks"
                  " WHERE locktype = 'advisory' AND granted"
                  " AND objid = x'72656c61'::int AND database ="
                  " (SELECT oid FROM pg_database WHERE datname = current_database())") == 1);
    }
    appenders.stop();

    CHECK(eventually(30s, [&] { return behind(database) == 0; }));
    one.stop();
    two.stop();
    check_topic(database, reader);
}

TEST_CASE("relay: an operator lowers the checkpoint: it sends again from there, and goes on") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    TopicReader reader("order-events");
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    loops::RelayLoop relay({Service::order, database.url(), fresh_kafka(), registry, relay_feed});
    Appenders appenders(database.url(), relay_feed);
    REQUIRE(eventually(20s, [&] {
        return database.number(
                   "SELECT count(*) FROM outbox, relay_checkpoint r"
                   " WHERE outbox.seq <= r.seq") > 200;
    }));
    if (GENERATE(false, true)) {  // while it works, and while it has nothing to do
        appenders.stop();
        REQUIRE(eventually(20s, [&] { return behind(database) == 0; }));
    }

    database.query(
        "UPDATE relay_checkpoint SET seq ="
        " (SELECT seq FROM outbox ORDER BY seq OFFSET 99 LIMIT 1)");

    CHECK(
        eventually(20s, [&] { return counter(registry, "orderflow_relay_restarts_total") == 1; }));
    appenders.stop();
    CHECK(eventually(30s, [&] { return behind(database) == 0; }));
    relay.stop();
    check_topic(database, reader);
    const auto ids = database.query("SELECT event_id FROM outbox ORDER BY seq LIMIT 200");
    std::map<std::string, int> times;
    std::size_t looked_at = 0;
    reader.read_until([&](const Arrivals& all) {
        for (; looked_at < all.size(); ++looked_at) ++times[all[looked_at].event_id];
        return std::all_of(ids.begin() + 100, ids.end(),
                           [&](const auto& id) { return times[id] == 2; });
    });
    for (std::size_t i = 0; i < ids.size(); ++i) CHECK(times[ids[i]] == (i < 100 ? 1 : 2));
    CHECK(counter(registry, "orderflow_relay_restarts_total") == 1);
}

TEST_CASE("relay: the database goes away for a while, then everything is published") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    TopicReader reader("order-events");
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    loops::RelayLoop relay({Service::order, database.url(), fresh_kafka(), registry, relay_feed});
    Appenders appenders(database.url(), relay_feed);
    // A connection that is only being made when they are cut would not be seen, and stay.
    REQUIRE(
        eventually(20s, [&] { return database.number("SELECT seq FROM relay_checkpoint") > 0; }));

    database.cut_connections(true);
    CHECK(eventually(20s, [&] { return counter(registry, "orderflow_relay_restarts_total") > 1; }));
    database.open();
    const int at_return = appenders.appended();
    CHECK(eventually(20s, [&] { return appenders.appended() > at_return + 50; }));
    appenders.stop();

    CHECK(eventually(30s, [&] { return behind(database) == 0; }));
    relay.stop();
    check_topic(database, reader);
}

TEST_CASE("relay: an operator holds it: nothing is sent until it is released, then everything") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    TopicReader reader("order-events");
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    loops::RelayLoop relay({Service::order, database.url(), fresh_kafka(), registry, relay_feed});
    Appenders appenders(database.url(), relay_feed);
    postgres::Connection operators(database.url());
    REQUIRE(
        eventually(20s, [&] { return database.number("SELECT seq FROM relay_checkpoint") > 100; }));
    CHECK_FALSE(outbox::take_saga_lane(operators));

    database.query("UPDATE relay_checkpoint SET held_at = now(), held_by = 'anna'");
    REQUIRE(eventually(10s, [&] { return outbox::take_saga_lane(operators); }));
    const auto sent = database.number("SELECT seq FROM relay_checkpoint");
    const int appended = appenders.appended();
    CHECK(eventually(10s, [&] {
        return appenders.appended() > appended + 50 &&
               gauge(registry, "orderflow_relay_lag_rows") > 50;
    }));
    CHECK(eventually(5s, [&] { return gauge(registry, "orderflow_relay_held") == 1; }));
    CHECK(database.number("SELECT seq FROM relay_checkpoint") == sent);

    // Released, but the lane is taken: partitions are being added.
    database.query("UPDATE relay_checkpoint SET held_at = NULL");
    std::this_thread::sleep_for(1s);
    CHECK(database.number("SELECT seq FROM relay_checkpoint") == sent);
    operators.reset();
    appenders.stop();
    CHECK(eventually(30s, [&] { return behind(database) == 0; }));
    CHECK(eventually(5s, [&] { return gauge(registry, "orderflow_relay_held") == 0; }));
    CHECK(counter(registry, "orderflow_relay_restarts_total") == 0);
    relay.stop();
    check_topic(database, reader);
}

TEST_CASE("relay: rows asked for once more are noticed, also when the checkpoint is behind them") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    OwnLedger ledger(database.url());
    REQUIRE(ledger->lead());
    CHECK(ledger->checkpoint() == 0);
    ledger->move_checkpoint(0, 5);
    ledger->move_checkpoint(5, 5);

    database.query("UPDATE relay_checkpoint SET republished = republished + 1");

    CHECK_THROWS(ledger->move_checkpoint(5, 5));
    CHECK_THROWS(ledger->move_checkpoint(5, 9));
    CHECK(ledger->checkpoint() == 5);  // begins again
    ledger->move_checkpoint(5, 9);
}

}  // namespace orderflow::test
