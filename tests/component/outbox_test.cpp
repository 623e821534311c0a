// The outbox on PostgreSQL: what a transaction leaves, and what a reader of the ledger sees while
// many write to it.

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "component/own_ledger.hpp"
#include "component/subjects.hpp"
#include "kafka/producer.hpp"
#include "outbox/postgres_ledger.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/relay.hpp"
#include "outbox/relay_feed.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/eventually.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using events::Service;
using outbox::BatchOutput;
using outbox::PostgresUnitOfWork;

// Commits `rounds` transactions of one to five events each, of its own order, and rolls some back
// in every way there is. Counts the events it committed.
void write(const std::string& url, int rounds, std::uint32_t seed, std::atomic<int>& committed) {
    postgres::Connection connection(url);
    outbox::RelayFeed relay_feed;
    PostgresUnitOfWork work(connection, Service::order, relay_feed);
    std::mt19937 random(seed);
    const Story story;
    for (int round = 0; round < rounds; ++round) {
        const auto events = 1 + random() % 5;
        const auto fate = random() % 6;
        try {
            outbox::run_transaction(work, [&](Instant, BatchOutput& out) {
                for (std::size_t i = 0; i < events; ++i) out.emit(story.placed(), "");
                if (fate == 0) throw std::runtime_error("planned");  // before the append
                if (fate == 1) {                                     // after it drew numbers
                    connection.script("SELECT nextval('outbox_seq_seq')");
                    throw std::runtime_error("planned");
                }
                return true;
            });
            committed += static_cast<int>(events);
        } catch (const std::runtime_error& error) {
            if (error.what() != std::string("planned")) throw;
        }
    }
}

// The process that holds the relay's election lock in this database.
std::int64_t leader_pid(TestDatabase& database) {
    const auto pids = database.query(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND objid = x'72656c61'::int"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
    return pids.empty() ? 0 : std::stoll(pids[0]);
}

}  // namespace

TEST_CASE("outbox: a concurrent reader misses no committed row and sees them in seq order") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    constexpr int kWriters = 8;
    constexpr int kRounds = 250;
    std::atomic<int> committed = 0;
    std::atomic<bool> writing = true;

    std::vector<std::int64_t> seen;
    std::map<OrderId, std::vector<EventId>> seen_of;
    std::size_t reads = 0;
    std::jthread reader([&] {
        OwnLedger ledger(database.url());
        std::int64_t head = 0;
        for (bool last = false; !last;) {
            last = !writing;  // read once more after the last commit
            for (auto rows = ledger->read(head, 20); !rows.empty(); rows = ledger->read(head, 20)) {
                ++reads;
                for (const auto& row : rows) seen.push_back(row.seq);
                head = rows.back().seq;
            }
        }
    });
    {
        std::vector<std::jthread> writers;
        for (int i = 0; i < kWriters; ++i) {
            writers.emplace_back([&, i] {
                write(database.url(), kRounds, static_cast<std::uint32_t>(i), committed);
            });
        }
    }
    writing = false;
    reader.join();

    std::vector<std::int64_t> stored;
    for (const auto& seq : database.query("SELECT seq FROM outbox ORDER BY seq")) {
        stored.push_back(std::stoll(seq));
    }
    CHECK(stored.size() == static_cast<std::size_t>(committed.load()));
    CHECK(seen == stored);
    CHECK(stored.back() > static_cast<std::int64_t>(stored.size()));  // there were gaps
    CHECK(reads > 50);                                                // it read while they wrote
}

TEST_CASE("outbox: dead record, row and event of one batch stand in one transaction") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    postgres::Connection connection(database.url());
    const Story good;
    Message broken = message_of(Story{}.captured());
    broken.value = "{\"orderId\":";
    broken.headers.emplace_back("odd", std::string("\xff\x00\"\\", 4));

    run_one_batch(order, connection,
                  records_of({message_of(good.reserved()), broken, message_of(good.captured())}));

    const auto transaction = database.query("SELECT xmin FROM orders").at(0);
    CHECK(database.query("SELECT DISTINCT xmin FROM outbox") == std::vector{transaction});
    CHECK(database.query("SELECT xmin FROM parked") == std::vector{transaction});
    CHECK(database.query("SELECT dead AND order_id IS NOT NULL AND due_at IS NULL FROM parked") ==
          std::vector<std::string>{"t"});
    CHECK(database.query("SELECT convert_from(value, 'UTF8') FROM parked").at(0) == broken.value);
    CHECK(database.query("SELECT ce_id FROM parked").at(0) == broken.header("ce_id"));
    CHECK(database.query("SELECT split_part(error, ':', 1) FROM parked").at(0) == "json-syntax");
    const auto headers = database.query("SELECT headers FROM parked").at(0);
    CHECK(headers.find(R"({"name":"ce_type","value":"PaymentCaptured.v1"})") != std::string::npos);
    CHECK(headers.ends_with("{\"name\":\"odd\",\"value\":\"\xc3\xbf\xc4\x80\\\"\\\\\"}]"));
    CHECK(database.query("SELECT state FROM orders").at(0) == "PROCESSING");
}

TEST_CASE("outbox: a record that is parked already is not parked twice") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    postgres::Connection connection(database.url());
    Message broken = message_of(Story{}.captured());
    broken.value.clear();
    const auto records = records_of(std::vector{broken});

    run_one_batch(order, connection, records);
    run_one_batch(order, connection, records);

    CHECK(database.number("SELECT count(*) FROM parked") == 1);
}

TEST_CASE("outbox: an event above 256 KiB is refused and takes its transaction with it") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    postgres::Connection connection(database.url());
    outbox::RelayFeed relay_feed;
    PostgresUnitOfWork work(connection, Service::order, relay_feed);
    Story story;
    // 100 lines of names of 200 characters, four bytes each, escaped to twelve: far too large.
    story.order.items.assign(100, {"A", "", 1, 1});
    std::string name;
    for (int i = 0; i < 200; ++i) name += "\xf0\x9f\x98\x80\"\\\x01";
    for (auto& line : story.order.items) line.name = name + name;

    CHECK_THROWS_AS(outbox::run_transaction(work,
                                            [&](Instant, BatchOutput& out) {
                                                out.emit(Story{}.placed(), "");
                                                out.emit(story.placed(), "");
                                                return true;
                                            }),
                    std::length_error);
    CHECK(database.number("SELECT count(*) FROM outbox") == 0);
}

TEST_CASE("ledger: rows come back as they were appended") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    postgres::Connection connection(database.url());
    outbox::RelayFeed relay_feed;
    PostgresUnitOfWork work(connection, Service::order, relay_feed);
    const Story story;
    const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    outbox::run_transaction(work, [&](Instant, BatchOutput& out) {
        out.emit(story.placed(), trace);
        return true;
    });

    const auto rows = OwnLedger(database.url())->read(0, 10);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].order_id == story.id);
    CHECK(rows[0].topic == "order-events");
    CHECK(rows[0].key == story.id.to_string());
    CHECK(rows[0].type == "OrderPlaced.v1");
    CHECK(rows[0].headers == "{\"traceparent\":\"" + trace + "\"}");
    CHECK(events::decode(events::EventKind::OrderPlaced, rows[0].data).value() ==
          events::Event{story.placed()});
    CHECK(std::chrono::abs(rows[0].recorded_at - system_now()) < 1min);
}

TEST_CASE("ledger: rows of the feed are those of the table, and those of other processes follow") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    postgres::Connection connection(database.url()), other_connection(database.url()),
        relay_connection(database.url());
    outbox::RelayFeed feed, feed_of_other;
    PostgresUnitOfWork work(connection, Service::order, feed);
    PostgresUnitOfWork other(other_connection, Service::order, feed_of_other);
    const auto say = [](PostgresUnitOfWork& process) {
        outbox::run_transaction(process, [](Instant, BatchOutput& out) {
            out.emit(Story{}.placed(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
            out.emit(Story{}.placed(), "");
            return true;
        });
    };
    outbox::PostgresLedger ledger(relay_connection, outbox::saga_lane(Service::order), &feed);
    feed.keep_rows(true);
    say(work);
    say(work);
    say(other);
    say(work);

    std::vector<outbox::LedgerRow> read;
    std::vector<std::size_t> sizes;
    for (std::int64_t head = 0; read.size() < 8; head = read.back().seq) {
        auto rows = ledger.read(head, 100);
        REQUIRE_FALSE(rows.empty());
        sizes.push_back(rows.size());
        for (auto& row : rows) read.push_back(std::move(row));
    }
    CHECK(sizes == std::vector<std::size_t>{4, 4});  // the second from the table
    const auto stored = OwnLedger(database.url())->read(0, 100);
    REQUIRE(stored.size() == read.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
        CAPTURE(i);
        CHECK(read[i].seq == stored[i].seq);
        CHECK(read[i].event_id == stored[i].event_id);
        CHECK(read[i].order_id == stored[i].order_id);
        CHECK(read[i].topic == stored[i].topic);
        CHECK(read[i].key == stored[i].key);
        CHECK(read[i].type == stored[i].type);
        CHECK(read[i].headers == stored[i].headers);
        CHECK(read[i].data == stored[i].data);
        CHECK(read[i].recorded_at == stored[i].recorded_at);
        CHECK(read[i].elsewhere == stored[i].elsewhere);
    }
}

TEST_CASE("outbox: an append that fails commits nothing, and its connection goes on") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    postgres::Connection connection(database.url());
    outbox::RelayFeed feed;
    feed.keep_rows(true);
    PostgresUnitOfWork work(connection, Service::order, feed);
    const auto say = [&] {
        outbox::run_transaction(work, [&](Instant, BatchOutput& out) {
            connection.script("CREATE TABLE IF NOT EXISTS beside ()");
            out.emit(Story{}.placed(), "");
            return true;
        });
    };
    const auto pid = [&] {
        return std::string(connection.script("SELECT pg_backend_pid()").text(0, 0));
    };
    const std::string before = pid();
    database.query("ALTER TABLE outbox ADD CONSTRAINT planned CHECK (type = 'none')");
    CHECK_THROWS_AS(say(), postgres::DatabaseError);
    CHECK(pid() == before);
    CHECK(feed.take(0, 10).empty());
    CHECK(database.number("SELECT count(*) FROM pg_class WHERE relname = 'beside'") == 0);
    database.query("ALTER TABLE outbox DROP CONSTRAINT planned");
    say();
    CHECK(database.number("SELECT count(*) FROM outbox") == 1);
    CHECK(pid() == before);
}

TEST_CASE("outbox: a connection that broke between two transactions costs none") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    postgres::Connection connection(database.url());
    outbox::RelayFeed relay_feed;
    PostgresUnitOfWork work(connection, Service::order, relay_feed);
    const Story story;
    const auto say = [&] {
        outbox::run_transaction(work, [&](Instant, BatchOutput& out) {
            out.emit(story.placed(), "");
            return true;
        });
    };
    say();
    database.cut_connections();
    say();
    CHECK(database.number("SELECT count(*) FROM outbox") == 2);
}

TEST_CASE("ledger: the checkpoint is never lowered") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    OwnLedger ledger(database.url());
    CHECK(ledger->checkpoint() == 0);
    ledger->move_checkpoint(0, 7);
    CHECK_THROWS_AS(ledger->move_checkpoint(5, 9), std::runtime_error);
    CHECK_THROWS_AS(ledger->move_checkpoint(5, 5), std::runtime_error);
    ledger->move_checkpoint(7, 7);
    CHECK(ledger->checkpoint() == 7);
}

TEST_CASE("ledger: one leads; who loses the connection loses the lead and can do nothing more") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    OwnLedger first(database.url());
    OwnLedger second(database.url());
    REQUIRE(first->lead());
    CHECK(first->lead());
    CHECK_FALSE(second->lead());

    database.query("SELECT pg_terminate_backend(" + std::to_string(leader_pid(database)) + ")");

    REQUIRE(eventually(5s, [&] { return second->lead(); }));
    CHECK_THROWS_AS(first->move_checkpoint(0, 1), postgres::DatabaseError);
    first->release();
    CHECK_FALSE(first->lead());
    second->release();
    CHECK(eventually(5s, [&] { return first->lead(); }));
}

TEST_CASE("ledger: a leader that is frozen for three seconds is deposed") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    OwnLedger frozen(database.url());
    OwnLedger other(database.url());
    REQUIRE(frozen->lead());

    CHECK(eventually(10s, [&] { return other->lead(); }));
    CHECK_THROWS_AS(frozen->read(0, 1), postgres::DatabaseError);
}

TEST_CASE("ledger: the saga's lane steps over announcements, and each topic has its own lane") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    database.query(
        "INSERT INTO outbox (event_id, topic, key, type, headers, data, recorded_at)"
        " SELECT gen_random_uuid(), topic, 'k', type, '{}', 'data of ' || topic, now()"
        " FROM (VALUES ('order-events', 'OrderPlaced.v1'),"
        "              ('dead-letter-queue', 'RecordDied.v1'),"
        "              ('payment-events.retry', 'RecordParked.v1'),"
        "              ('dead-letter-queue', 'RecordDied.v1'),"
        "              ('order-events', 'OrderCompleted.v1')) AS rows(topic, type)");
    const auto read = [](OwnLedger& ledger, std::int64_t after) {
        std::string rows;
        for (const auto& row : ledger->read(after, 10)) {
            rows += std::to_string(row.seq) + (row.elsewhere ? "-" : "+") + row.data + " ";
        }
        return rows;
    };
    OwnLedger saga(database.url());
    OwnLedger deaths(database.url(), outbox::announcement_lane("dead-letter-queue"));
    OwnLedger retries(database.url(), outbox::announcement_lane("payment-events.retry"));
    CHECK(read(saga, 0) == "1+data of order-events 2- 3- 4- 5+data of order-events ");
    CHECK(read(deaths, 0) == "2+data of dead-letter-queue 4+data of dead-letter-queue ");
    CHECK(read(deaths, 2) == "4+data of dead-letter-queue ");
    CHECK(read(retries, 0) == "3+data of payment-events.retry ");

    postgres::Connection connection(database.url());
    const std::vector<std::string> topics{"dead-letter-queue", "order-events.retry",
                                          "payment-events.retry"};
    const auto waiting = [&] {
        auto found = outbox::topics_with_announcements(connection, topics);
        std::ranges::sort(found);
        return found;
    };
    CHECK(waiting() == std::vector<std::string>{"dead-letter-queue", "payment-events.retry"});
    deaths->move_checkpoint(deaths->checkpoint(), 4);
    CHECK(waiting() == std::vector<std::string>{"payment-events.retry"});
    CHECK(saga->checkpoint() == 0);
    CHECK(retries->checkpoint() == 0);
    CHECK(database.query("SELECT checkpoint FROM audit_v1_relay") == std::vector<std::string>{"0"});
    CHECK(database.number("SELECT count(*) FROM audit_v1_relay_lanes") == 3);
}

TEST_CASE("ledger: what a topic refuses is kept until the checkpoint moves") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    OwnLedger saga(database.url());
    const auto shown = [&] {
        return database
            .query(
                "SELECT concat_ws(' ', refused_seq, refused_why, refused_error,"
                " refused_at IS NOT NULL) FROM audit_v1_relay_lanes")
            .at(0);
    };
    saga->note_refusal({kafka::Refusal::too_large, 7, "too big"});
    CHECK(shown() == "7 too_large too big t");
    saga->topic_is_there();
    CHECK(shown() == "7 too_large too big t");
    saga->move_checkpoint(0, 0);
    CHECK(shown() == "7 too_large too big t");
    saga->move_checkpoint(0, 7);
    CHECK(shown() == "f");
    saga->note_refusal({kafka::Refusal::gone, 0, "unknown topic"});
    CHECK(shown() == "0 gone unknown topic t");
    saga->topic_is_there();
    CHECK(shown() == "f");
}

TEST_CASE("ledger: a topic with another id takes the checkpoint back to zero") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    OwnLedger saga(database.url());
    saga->move_checkpoint(0, 7);
    const auto remade = [&] {
        return database.number(
            "SELECT count(*) FROM audit_v1_relay_lanes"
            " WHERE remade_at IS NOT NULL");
    };
    CHECK_FALSE(outbox::Relay::meet_topic(*saga, "one", true));
    CHECK(saga->checkpoint() == 7);
    CHECK(remade() == 0);
    CHECK(outbox::Relay::meet_topic(*saga, "two", true));
    CHECK(saga->checkpoint() == 0);
    CHECK(remade() == 1);
}

}  // namespace orderflow::test
