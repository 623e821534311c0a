// The consumer loop between Kafka and PostgreSQL: what fails is done again and never skipped, and
// offsets are committed only for what is committed.

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "component/subjects.hpp"
#include "kafka/delivery.hpp"
#include "loops/batch.hpp"
#include "loops/consumer_loop.hpp"
#include "loops/context.hpp"
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
using kafka::Delivery;
using loops::ConsumerLoop;

// What a handler under test did: shared by the loops' threads and the test.
struct Log {
    std::set<std::string> mine;  // the orders of this test; others' records come by as well
    std::atomic<bool> failing = false;
    std::atomic<int> attempts = 0;
    std::mutex mutex;
    std::vector<std::string> committed;  // orders, in the order of their commits

    std::vector<std::string> all() {
        const std::lock_guard lock(mutex);
        return committed;
    }
};

// On the test's own orders the database is unavailable while the test says so; otherwise it notes
// them.
class LoggingHandler final : public loops::BatchHandler {
public:
    explicit LoggingHandler(Log& log) : log_(log) {}

    bool handle(Instant, std::span<const Delivery> batch, outbox::BatchOutput&) override {
        attempt_.clear();
        for (const Delivery& delivery : batch) {
            const OrderId* id = delivery.order_id();
            if (id && log_.mine.contains(id->to_string())) attempt_.push_back(id->to_string());
        }
        if (!attempt_.empty()) {
            ++log_.attempts;
            if (log_.failing) throw postgres::DatabaseError("planned", "", true);
        }
        return true;
    }
    void committed() override {
        const std::lock_guard lock(log_.mutex);
        log_.committed.insert(log_.committed.end(), attempt_.begin(), attempt_.end());
    }

private:
    Log& log_;
    std::vector<std::string> attempt_;
};

void stop(ConsumerLoop& loop) { loop.stop(); }

std::vector<Message> reservations(std::vector<Story>& stories, std::size_t count) {
    std::vector<Message> messages;
    for (std::size_t i = 0; i < count; ++i) {
        stories.emplace_back();
        messages.push_back(message_of(stories.back().reserved()));
    }
    return messages;
}

std::string list_of(const std::vector<Story>& stories) {
    std::string list;
    for (const Story& story : stories) {
        list += (list.empty() ? "'" : ",'") + story.id.to_string() + "'";
    }
    return list;
}

}  // namespace

TEST_CASE("consumer: a batch that throws is done again, none of it skipped, no offset committed") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    const auto kafka = fresh_group(Service::order);
    TopicReader reader("inventory-events");
    Log log;
    std::vector<Story> stories;
    const auto messages = reservations(stories, 20);
    for (const Story& story : stories) log.mine.insert(story.id.to_string());
    log.failing = true;
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    ConsumerLoop loop(
        {Service::order, database.url(), kafka, registry, relay_feed},
        subscription([&](postgres::Connection&) { return std::make_unique<LoggingHandler>(log); }));

    send(messages);
    REQUIRE(eventually(30s, [&] { return log.attempts >= 4; }));

    CHECK(log.all().empty());
    CHECK(labelled(registry, "orderflow_loop_failures_total", "test") >= 3);
    auto arrivals = reader.read_until([&](const auto& all) {
        const auto is_mine = [&](const auto& arrival) { return log.mine.contains(arrival.key); };
        return std::ranges::count_if(all, is_mine) == 20;
    });
    std::erase_if(arrivals, [&](const auto& a) { return !log.mine.contains(a.key); });
    REQUIRE(arrivals.size() == 20);
    const auto is_committed = [&](const Offsets& committed, const TopicReader::Arrival& arrival) {
        return committed.at({"inventory-events", arrival.partition}) > arrival.offset;
    };
    auto committed = committed_offsets(kafka, Service::order);
    for (const auto& arrival : arrivals) CHECK_FALSE(is_committed(committed, arrival));

    log.failing = false;
    CHECK(eventually(30s, [&] { return log.all().size() >= stories.size(); }));
    // Not before the member knows which logs the topics are, a moment after it was given them.
    CHECK(eventually(30s, [&] {
        committed = committed_offsets(kafka, Service::order);
        return std::ranges::all_of(
            arrivals, [&](const auto& arrival) { return is_committed(committed, arrival); });
    }));
    stop(loop);
    auto handled = log.all();
    CHECK(handled.size() == stories.size());
    std::ranges::sort(handled);
    CHECK(std::ranges::equal(handled, log.mine));
}

TEST_CASE("consumer: an undecodable record is parked while its neighbours are handled") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    const auto kafka = fresh_group(Service::order);
    std::vector<Story> stories;
    auto messages = reservations(stories, 10);
    Message broken = message_of(stories[4].captured());
    broken.value = "[]";
    messages.insert(messages.begin() + 5, broken);
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    ConsumerLoop loop({Service::order, database.url(), kafka, registry, relay_feed},
                      subscription(order.make_handler));

    send(messages);

    const std::string mine = " order_id IN (" + list_of(stories) + ")";
    CHECK(eventually(
        30s, [&] { return database.number("SELECT count(*) FROM orders WHERE" + mine) == 10; }));
    CHECK(eventually(30s, [&] {
        return database.number(
                   "SELECT count(*) FROM parked WHERE dead AND topic = 'payment-events'"
                   " AND order_id = '" +
                   stories[4].id.to_string() + "'") == 1;
    }));
    stop(loop);
    CHECK(database.number("SELECT count(*) FROM orders WHERE captured_at IS NOT NULL AND" + mine) ==
          0);
    CHECK(counter(registry, "orderflow_loop_failures_total") == 0);
}

TEST_CASE("consumer: it counts what dies, each try once, and shows how many records are parked") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    database.query("ALTER TABLE orders ADD CONSTRAINT planted CHECK (customer_id <> 'BAD')");
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    Story bad;
    bad.order.customer_id = "BAD";
    const Story orphan;
    Message broken = message_of(Story{}.captured());
    broken.value = "[]";
    ConsumerLoop loop(
        {Service::order, database.url(), fresh_group(Service::order), registry, relay_feed},
        subscription(order.make_handler));
    const auto parked = [&](const char* state) {
        return labelled(registry, "orderflow_parked_records", state);
    };
    const auto tries = [&](const char* outcome) {
        return labelled(registry, "orderflow_parked_retries_total", outcome);
    };

    const auto announced = [&](const char* type) {
        return database.number("SELECT count(*) FROM outbox WHERE type = '" + std::string(type) +
                               "'");
    };
    // Other tests' records come by as well.
    send({message_of(bad.reserved()), broken, message_of(orphan.scheduled())});
    REQUIRE(eventually(30s, [&] { return parked("alive") >= 2 && parked("dead") >= 1; }));
    send({message_of(orphan.reserved())});
    CHECK(eventually(30s, [&] { return tries("done") >= 1; }));
    database.query("UPDATE parked SET attempts = 5, due_at = now() WHERE NOT dead");
    CHECK(eventually(30s, [&] { return tries("died") >= 1; }));

    CHECK(eventually(30s, [&] {
        return parked("alive") == database.number("SELECT count(*) FROM parked WHERE NOT dead") &&
               parked("dead") == database.number("SELECT count(*) FROM parked WHERE dead");
    }));
    stop(loop);
    CHECK(counter(registry, "orderflow_records_died_total") == announced("RecordDied.v1"));
    CHECK(labelled(registry, "orderflow_records_total", "parked") + tries("failed") ==
          announced("RecordParked.v1"));
}

TEST_CASE("consumer: the database goes away for a while, and every record is handled once") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    const auto kafka = fresh_group(Service::order);
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    std::vector<Story> stories;
    const auto before = reservations(stories, 50);
    const auto meanwhile = reservations(stories, 200);
    ConsumerLoop loop({Service::order, database.url(), kafka, registry, relay_feed},
                      subscription(order.make_handler));
    send(before);
    REQUIRE(eventually(30s, [&] { return database.number("SELECT count(*) FROM orders") >= 50; }));

    database.cut_connections(true);
    send(meanwhile);
    REQUIRE(
        eventually(20s, [&] { return counter(registry, "orderflow_loop_failures_total") > 0; }));
    database.open();

    const std::string mine = " order_id IN (" + list_of(stories) + ")";
    CHECK(eventually(
        30s, [&] { return database.number("SELECT count(*) FROM orders WHERE" + mine) == 250; }));
    stop(loop);
    CHECK(database.number("SELECT count(*) FROM outbox WHERE" + mine) == 250);
    CHECK(database.number("SELECT max(version) FROM orders WHERE" + mine) == 1);
}

TEST_CASE("consumer: members come and go, and every record is handled once") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    const auto kafka = fresh_group(Service::order);
    prometheus::Registry registries[3];
    outbox::RelayFeed relay_feed;
    const auto join = [&](prometheus::Registry& registry) {
        return std::make_unique<ConsumerLoop>(
            loops::Context{Service::order, database.url(), kafka, registry, relay_feed},
            subscription(order.make_handler));
    };
    std::vector<Story> stories;
    // Goes on sending until this member has handled some of it.
    const auto send_until_it_works = [&](prometheus::Registry& registry) {
        return eventually(30s, [&] {
            send(reservations(stories, 20));
            return counter(registry, "orderflow_batches_total") > 0;
        });
    };

    auto first = join(registries[0]);
    REQUIRE(send_until_it_works(registries[0]));
    auto second = join(registries[1]);
    REQUIRE(send_until_it_works(registries[1]));
    send(reservations(stories, 200));
    stop(*first);
    auto third = join(registries[2]);
    REQUIRE(send_until_it_works(registries[2]));
    stop(*second);
    send(reservations(stories, 50));

    const auto sent = static_cast<std::int64_t>(stories.size());
    const std::string mine = " order_id IN (" + list_of(stories) + ")";
    CHECK(eventually(
        60s, [&] { return database.number("SELECT count(*) FROM orders WHERE" + mine) == sent; }));
    stop(*third);
    CHECK(database.number("SELECT count(*) FROM outbox WHERE" + mine) == sent);
    CHECK(database.number("SELECT count(*) FROM parked WHERE" + mine) == 0);
}

TEST_CASE("consumer: partitions that were held as a member joined are read on afterwards") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    const auto kafka = fresh_group(Service::order);
    prometheus::Registry registries[2];
    outbox::RelayFeed relay_feed;
    Log log;
    std::vector<Story> stories;
    const auto before = reservations(stories, 60);
    const auto after = reservations(stories, 60);
    for (const Story& story : stories) log.mine.insert(story.id.to_string());
    const auto join = [&](prometheus::Registry& registry) {
        return std::make_unique<ConsumerLoop>(
            loops::Context{Service::order, database.url(), kafka, registry, relay_feed},
            subscription(
                [&](postgres::Connection&) { return std::make_unique<LoggingHandler>(log); }));
    };
    const auto failures = [&](int member) {
        return counter(registries[member], "orderflow_loop_failures_total");
    };
    log.failing = true;
    auto first = join(registries[0]);
    send(before);
    REQUIRE(eventually(30s, [&] { return failures(0) >= 2; }));  // it holds all partitions

    auto second = join(registries[1]);
    REQUIRE(eventually(30s, [&] { return failures(1) >= 2; }));
    const auto at_join = failures(0);
    CHECK(eventually(30s, [&] { return failures(0) >= at_join + 2; }));  // with those it kept
    log.failing = false;
    send(after);

    const auto handled = [&] {
        const auto all = log.all();
        return std::set<std::string>(all.begin(), all.end()).size();
    };
    CHECK(eventually(30s, [&] { return handled() == stories.size(); }));
    stop(*first);
    stop(*second);
    CHECK(counter(registries[0], "orderflow_batches_total") > 0);
    CHECK(counter(registries[1], "orderflow_batches_total") > 0);
}

TEST_CASE("consumer: a service is killed while a record waits, and the next process handles it") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    database.query("ALTER TABLE orders ADD CONSTRAINT planted CHECK (state <> 'COMPLETED')");
    const auto kafka = fresh_group(Service::order);
    const std::vector<std::string> arguments{"--database-url", database.url(), "--brokers",
                                             kafka.brokers,    "--group-id",   kafka.group_id,
                                             "--client-id",    kafka.client_id};
    const Story poison, good;
    const std::string of_poison = " WHERE order_id = '" + poison.id.to_string() + "'";
    {
        ServiceProcess service("order-service", arguments);
        send({message_of(poison.reserved()), message_of(good.reserved())});
        send({message_of(poison.captured())});
        send({message_of(poison.scheduled())});
        REQUIRE(eventually(60s, [&] {
            return database.number("SELECT count(*) FROM parked" + of_poison +
                                   " AND attempts > 0") == 1;
        }));
        service.kill();
    }
    CHECK(database.number("SELECT count(*) FROM parked" + of_poison + " AND NOT dead") >= 1);
    database.query("ALTER TABLE orders DROP CONSTRAINT planted");

    ServiceProcess service("order-service", arguments);
    CHECK(eventually(60s, [&] {
        return database.number("SELECT count(*) FROM orders" + of_poison +
                               " AND state = 'COMPLETED'") == 1 &&
               database.number("SELECT count(*) FROM parked" + of_poison) == 0;
    }));
    CHECK(eventually(60s, [&] {  // when the group has forgotten the dead member
        return database.number("SELECT count(*) FROM orders WHERE order_id = '" +
                               good.id.to_string() + "' AND reserved_at IS NOT NULL") == 1;
    }));
    CHECK(service.stop() == 0);
    CHECK(database.number("SELECT count(*) FROM outbox" + of_poison +
                          " AND type = 'OrderCompleted.v1'") == 1);
}

}  // namespace orderflow::test
