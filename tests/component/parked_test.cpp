// Records that cannot be handled, on PostgreSQL: who is put aside, who waits behind, when each is
// tried again and when given up, and what is said about it.

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "component/subjects.hpp"
#include "events/announcements.hpp"
#include "messaging/outbox.hpp"
#include "support/kafka.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using events::Event;
using events::Service;
using messaging::Delivery;
using messaging::ParkedRecord;
using messaging::Parking;
using messaging::Record;
using messaging::WaitingRecord;
using Lines = std::vector<std::string>;

// One loop's connection to a database.
struct Worker {
    explicit Worker(const TestDatabase& database, Service service)
        : connection(database.url()), work(connection, service, bell) {}

    messaging::Bell bell;
    postgres::Connection connection;
    messaging::PostgresUnitOfWork work;
};

// A service on its database, as its consumer loop works with it. While the fault is in, no order of
// customer BAD can leave the state PROCESSING.
struct Lab {
    explicit Lab(Service which = Service::order)
        : subject(test::subject(which)),
          database(subject.service, subject.schema_sql),
          worker(database, which),
          handler(subject.make_handler(worker.connection)) {
        if (!subject.prepare_sql.empty()) database.query(subject.prepare_sql);
    }

    void break_bad() {
        database.query("ALTER TABLE orders ADD CONSTRAINT planted"
                       " CHECK (customer_id <> 'BAD' OR state = 'PROCESSING')");
    }
    void mend() { database.query("ALTER TABLE orders DROP CONSTRAINT planted"); }

    messaging::BatchReport run(const std::vector<Record>& records) {
        return messaging::run_batch(worker.work, *handler,
                                    messaging::decode_batch(subject.service, records));
    }
    messaging::BatchReport run(const std::vector<Event>& list) { return run(records_of(list)); }
    bool retry() { return messaging::retry_due(subject.service, worker.work, *handler); }
    void make_due(const std::string& where = "true") {
        database.query("UPDATE parked SET due_at = now() WHERE NOT dead AND " + where);
    }

    // "shipping-events 1 blocks", "… dead", "… passes", in the order of their ids.
    Lines parked() {
        return database.query("SELECT concat_ws(' ', topic, attempts, CASE WHEN dead THEN 'dead'"
                              " WHEN blocks THEN 'blocks' ELSE 'passes' END)"
                              " FROM parked ORDER BY id");
    }
    std::string state(const Story& story) {
        const auto states = database.query("SELECT state FROM orders WHERE order_id = '" +
                                           story.id.to_string() + "'");
        return states.empty() ? "none" : states[0];
    }

    const Subject& subject;
    TestDatabase database;
    Worker worker;
    const std::unique_ptr<messaging::BatchHandler> handler;
};

Story bad_story() {
    Story story;
    story.order.customer_id = "BAD";
    return story;
}

// Puts the records aside as failed, in one transaction.
void park(Worker& worker, const std::vector<Record>& records, const std::string& error = "x: y") {
    messaging::run_transaction(worker.work, [&](Instant, messaging::BatchOutput& out) {
        for (const Record& record : records) {
            out.parked.push_back({&record, OrderId::parse(record.key), Parking::failed, error});
        }
        return true;
    });
}

// A handler in front of another one that stumbles over some orders.
class Stumbling final : public messaging::BatchHandler {
public:
    Stumbling(messaging::BatchHandler& next, std::vector<OrderId> bad)
        : next_(next), bad_(std::move(bad)) {}

    bool handle(Instant now, std::span<const Delivery> batch,
                messaging::BatchOutput& out) override {
        for (const Delivery& delivery : batch) {
            const OrderId* id = delivery.order_id();
            if (id && std::ranges::find(bad_, *id) != bad_.end()) {
                throw std::logic_error("stumbled");
            }
        }
        return next_.handle(now, batch, out);
    }
    void committed() override { next_.committed(); }

private:
    messaging::BatchHandler& next_;
    const std::vector<OrderId> bad_;
};

}  // namespace

TEST_CASE("parked: the guilty record is put aside, its order's later ones behind it, others pass") {
    Lab lab;
    lab.break_bad();
    const Story bad = bad_story();
    const Story good, other;

    const auto report = lab.run({bad.reserved(), good.reserved(), bad.scheduled(), good.captured(),
                                 bad.captured(), good.scheduled()});

    CHECK(report.parked == 2);
    CHECK(lab.state(bad) == "PROCESSING");
    CHECK(lab.state(good) == "COMPLETED");
    CHECK(lab.parked() == Lines{"shipping-events 1 blocks", "payment-events 0 blocks"});
    CHECK(lab.database.number("SELECT count(*) FROM parked WHERE attempts = 1"
                              " AND error LIKE 'failed: %planted%' AND due_at - parked_at"
                              " BETWEEN interval '0.9 s' AND interval '1.1 s'") == 1);
    CHECK(lab.database.number("SELECT count(*) FROM parked WHERE attempts = 0"
                              " AND error LIKE 'behind: %'") == 1);
    CHECK(lab.database.number("SELECT count(*) FROM orders WHERE captured_at IS NOT NULL") == 1);

    CHECK(lab.run({bad.refused(), other.reserved()}).parked == 1);  // the next batch
    CHECK(lab.parked().back() == "shipping-events 0 blocks");
    CHECK(lab.state(other) == "PROCESSING");
}

TEST_CASE("parked: a rule whose assertion fails parks the record that it stumbled over") {
    Lab lab(Service::inventory);
    Story first, second;
    for (Story* story : {&first, &second}) {
        story->order.items = {{"A", "Laptop", 1500, 2}};
        story->order.total = 3000;
    }
    lab.run({first.placed(), second.placed()});
    lab.database.query("UPDATE products SET reserved = 2 WHERE product_id = 'A'");  // 4 are

    CHECK(lab.run({first.cancellation(), second.cancellation()}).parked == 1);

    CHECK(lab.parked() == Lines{"order-events 1 blocks"});
    CHECK(lab.database.query("SELECT error FROM parked").at(0) ==
          "failed: stock below zero: A");
    CHECK(lab.database.query("SELECT order_id FROM parked").at(0) == second.id.to_string());

    lab.database.query("UPDATE products SET reserved = 2 WHERE product_id = 'A'");
    lab.make_due();
    CHECK(lab.retry());
    CHECK(lab.parked().empty());
    CHECK(lab.database.query("SELECT free || ' ' || reserved FROM products WHERE product_id = 'A'")
              .at(0) == "50 0");
}

TEST_CASE("parked: what is due is tried in the order in which it came, until the table is empty") {
    Lab lab;
    lab.break_bad();
    const Story bad = bad_story();
    // Handled in another order, the refusal would win.
    lab.run({bad.reserved(), bad.scheduled(), bad.refused(), bad.captured()});
    REQUIRE(lab.parked().size() == 3);
    lab.mend();

    lab.database.query("UPDATE parked SET due_at = now() + interval '1 hour' WHERE attempts = 1");
    CHECK_FALSE(lab.retry());  // the others are due, but not first
    lab.make_due();
    CHECK(lab.retry());
    CHECK(lab.state(bad) == "COMPLETED");
    CHECK(lab.parked().size() == 2);
    CHECK(lab.retry());
    CHECK(lab.retry());
    CHECK_FALSE(lab.retry());

    CHECK(lab.parked().empty());
    CHECK(lab.state(bad) == "COMPLETED");
    CHECK(lab.database.query("SELECT type FROM outbox WHERE topic = 'order-events' ORDER BY seq") ==
          Lines{"OrderPlaced.v1", "OrderCompleted.v1"});
    CHECK(lab.run({bad.voided()}).parked == 0);  // nothing holds up the order any more
}

TEST_CASE("parked: a record that fails five times more is dead, and the next one has its turn") {
    Lab lab;
    lab.break_bad();
    const Story bad = bad_story();
    lab.run({bad.reserved(), bad.scheduled(), bad.captured()});
    REQUIRE(lab.parked() == Lines{"shipping-events 1 blocks", "payment-events 0 blocks"});

    for (const int wait : {4, 16, 60, 120}) {
        CAPTURE(wait);
        lab.make_due("attempts > 0");
        CHECK(lab.retry());
        const std::string s = std::to_string(wait);
        CHECK(lab.database.number("SELECT count(*) FROM parked WHERE attempts > 1 AND due_at"
                                  " BETWEEN now() + interval '" + s + " s' - interval '1 s'"
                                  " AND now() + interval '" + s + " s'") == 1);
        CHECK(lab.parked().size() == 2);
    }
    lab.make_due("attempts > 0");
    CHECK(lab.retry());
    CHECK(lab.parked() == Lines{"shipping-events 6 dead", "payment-events 0 blocks"});
    CHECK(lab.database.number("SELECT count(*) FROM parked WHERE dead AND due_at IS NULL"
                              " AND error LIKE 'failed: %planted%'") == 1);

    CHECK(lab.retry());
    CHECK(lab.parked() == Lines{"shipping-events 6 dead"});
    CHECK(lab.database.number("SELECT count(*) FROM orders WHERE captured_at IS NOT NULL") == 1);
    lab.mend();
    CHECK(lab.run({bad.refused()}).parked == 0);  // who is dead holds up nothing
    CHECK(lab.state(bad) == "CANCELLING");
    CHECK_FALSE(lab.retry());
}

TEST_CASE("parked: an orphan holds up nothing, and succeeds once its order was made again") {
    Lab lab;
    const Story lost;
    lab.run({lost.scheduled()});
    CHECK(lab.parked() == Lines{"shipping-events 1 passes"});
    lab.make_due();
    CHECK(lab.retry());
    CHECK(lab.parked() == Lines{"shipping-events 2 passes"});

    CHECK(lab.run({lost.reserved()}).parked == 0);
    CHECK(lab.state(lost) == "PROCESSING");
    lab.make_due();
    CHECK(lab.retry());

    CHECK(lab.parked().empty());
    CHECK(lab.state(lost) == "COMPLETED");
}

TEST_CASE("parked: an orphan does not hold up the record that it waits for, if that fails too") {
    Lab lab;
    lab.database.query("ALTER TABLE orders ADD CONSTRAINT planted CHECK (customer_id <> 'BAD')");
    const Story lost = bad_story();
    lab.run({lost.scheduled()});
    lab.run({lost.reserved()});
    REQUIRE(lab.parked() == Lines{"shipping-events 1 passes", "inventory-events 1 blocks"});
    lab.mend();

    lab.database.query("UPDATE parked SET due_at = now() + interval '1 hour' WHERE NOT blocks");
    lab.make_due("blocks");
    CHECK(lab.retry());
    CHECK(lab.state(lost) == "PROCESSING");
    lab.make_due();
    CHECK(lab.retry());
    CHECK(lab.state(lost) == "COMPLETED");
    CHECK(lab.parked().empty());
}

TEST_CASE("parked: orphans of one order keep their order") {
    Lab lab;
    const Story lost;
    lab.run({lost.rejected(), lost.nothing(events::Participant::inventory)});
    REQUIRE(lab.parked().size() == 2);
    lab.run({lost.captured()});
    REQUIRE(lab.state(lost) == "PROCESSING");

    lab.make_due();
    lab.database.query("UPDATE parked SET due_at = now() + interval '1 hour'"
                       " WHERE id = (SELECT min(id) FROM parked)");
    CHECK_FALSE(lab.retry());
    lab.make_due();
    CHECK(lab.retry());
    CHECK(lab.retry());

    CHECK(lab.state(lost) == "CANCELLING");
    CHECK(lab.database.number("SELECT answers FROM orders") == 1);
}

TEST_CASE("parked: a record comes out of the table as it went in, byte for byte") {
    Lab lab;
    std::string all_bytes;
    for (int c = 0; c < 256; ++c) all_bytes += static_cast<char>(c);
    Message odd;
    odd.topic = "payment-events";
    odd.key = std::string("key\0\xff\xc3\x28'\"\\", 10);
    odd.value = all_bytes + "\xf0\x9f\x98\x80" + all_bytes;
    odd.headers = {{"ce_id", "no uuid"},   {"all", all_bytes},    {std::string("n\0\xffn", 4), ""},
                   {"", "no name"},        {"ce_type", "x"},      {"ce_type", "the second"},
                   {"json", "\"\\\n{}[]"}, {"emoji\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80\xff"}};
    Message empty;
    empty.topic = "payment-events";
    for (const Message& message : {odd, empty}) {
        const Record record = record_of(message, 4'611'686'018'427'387'904);
        park(lab.worker, {record}, std::string("error: \0\xff'", 10));
        lab.make_due();

        const Instant now = lab.worker.work.begin();
        const auto taken = lab.worker.work.take_due(now);
        REQUIRE(taken);
        CHECK(taken->attempts == 1);
        CHECK_FALSE(taken->order_id);
        CHECK(taken->record.topic == record.topic);
        CHECK(taken->record.partition == record.partition);
        CHECK(taken->record.offset == record.offset);
        CHECK(taken->record.key == record.key);
        CHECK(taken->record.value == record.value);
        CHECK(taken->record.headers == record.headers);
        lab.worker.work.retried({&*taken, "", std::nullopt});
        lab.worker.work.commit();
    }
    CHECK(lab.parked().empty());
}

TEST_CASE("parked: two loops at once take records of different orders, never one order's second") {
    Lab lab;
    const Story a, b;
    park(lab.worker, records_of(std::vector<Event>{a.reserved(), b.reserved(), a.captured(),
                                                   b.captured()}));
    lab.make_due();
    Worker other(lab.database, Service::order);
    Worker third(lab.database, Service::order);

    const auto first = lab.worker.work.take_due(lab.worker.work.begin());
    const auto second = other.work.take_due(other.work.begin());
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->order_id == a.id);
    CHECK(second->order_id == b.id);
    CHECK(first->record.topic == "inventory-events");
    CHECK(second->record.topic == "inventory-events");
    CHECK_FALSE(third.work.take_due(third.work.begin()));
    third.work.rollback();

    lab.worker.work.retried({&*first, "", std::nullopt});
    lab.worker.work.commit();
    const auto next = third.work.take_due(third.work.begin());
    REQUIRE(next);
    CHECK(next->order_id == first->order_id);
    CHECK(next->record.topic == "payment-events");
    third.work.rollback();
    other.work.rollback();
}

TEST_CASE("parked: a try that was overtaken by another process's changes nothing") {
    Lab lab;
    const Story story;
    park(lab.worker, records_of(std::vector<Event>{story.scheduled()}));
    lab.make_due();
    const auto seen = lab.worker.work.take_due(lab.worker.work.begin());
    REQUIRE(seen);
    lab.worker.work.rollback();  // it failed, and says so in a transaction of its own
    Worker other(lab.database, Service::order);
    const auto handler = lab.subject.make_handler(other.connection);
    REQUIRE(messaging::retry_due(Service::order, other.work, *handler));
    const auto before = lab.database.query("SELECT attempts || ' ' || due_at FROM parked");
    const auto said = lab.database.number("SELECT count(*) FROM outbox");

    messaging::run_transaction(lab.worker.work, [&](Instant now, messaging::BatchOutput& out) {
        out.retried = {&*seen, "failed: late", now + 4s};
        return true;
    });

    CHECK(lab.database.query("SELECT attempts || ' ' || due_at FROM parked") == before);
    CHECK(lab.database.number("SELECT count(*) FROM outbox") == said);
}

namespace {

// Notes each record, and whether two of one order were ever under way at the same time.
class WatchingHandler final : public messaging::BatchHandler {
public:
    struct Log {
        std::mutex mutex;
        std::set<OrderId> under_way;
        std::map<OrderId, std::vector<std::int64_t>> done;  // offsets
        std::size_t count = 0;                              // of them
        int overlaps = 0;
        bool complete(std::size_t records) {
            const std::lock_guard lock(mutex);
            return count >= records;
        }
    };
    WatchingHandler(Log& log, postgres::Connection& connection)
        : log_(log), connection_(connection) {}

    bool handle(Instant, std::span<const Delivery> batch, messaging::BatchOutput&) override {
        id_ = *batch[0].order_id();
        offset_ = batch[0].record->offset;
        {
            const std::lock_guard lock(log_.mutex);
            if (!log_.under_way.insert(id_).second) ++log_.overlaps;
        }
        connection_.script("SELECT pg_sleep(0.002)");  // as a rule takes its time
        const std::lock_guard lock(log_.mutex);
        log_.under_way.erase(id_);  // still in the transaction, which holds the record
        log_.done[id_].push_back(offset_);
        ++log_.count;
        return true;
    }

private:
    Log& log_;
    postgres::Connection& connection_;
    OrderId id_;
    std::int64_t offset_ = 0;
};

}  // namespace

TEST_CASE("parked: many loops empty the table, each order in its order, none beside itself") {
    Lab lab;
    constexpr int kOrders = 12;
    constexpr int kRecords = 6;
    const std::vector<Story> stories(kOrders);
    std::vector<Event> list;
    for (int i = 0; i < kRecords; ++i) {
        for (const Story& story : stories) list.push_back(story.reserved());
    }
    park(lab.worker, records_of(list));
    lab.make_due();
    WatchingHandler::Log log;
    {
        std::vector<std::jthread> loops;
        for (int i = 0; i < 4; ++i) {
            loops.emplace_back([&] {
                Worker worker(lab.database, Service::order);
                WatchingHandler handler(log, worker.connection);
                while (!log.complete(kOrders * kRecords)) {
                    messaging::retry_due(Service::order, worker.work, handler);
                }
            });
        }
    }
    CHECK(log.overlaps == 0);
    CHECK(log.done.size() == kOrders);
    for (const auto& [id, offsets] : log.done) {
        CHECK(offsets.size() == kRecords);
        CHECK(std::ranges::is_sorted(offsets));
    }
    CHECK(lab.parked().empty());
}

// ---- announcements -----------------------------------------------------------------------------

TEST_CASE("parked: each record put aside is announced once, and each try that failed, and death") {
    Lab lab;
    lab.break_bad();
    const Story bad = bad_story();
    const auto records =
        records_of(std::vector<Event>{bad.reserved(), bad.scheduled(), bad.captured()});
    lab.run(records);
    lab.run(records);  // it comes again: the offsets were not committed

    CHECK(lab.parked().size() == 3);  // the first of them is behind the others now
    CHECK(lab.database.query("SELECT topic || ' ' || type || ' ' || (order_id = '" +
                             bad.id.to_string() + "') || ' ' || (key = order_id::text)"
                             " FROM outbox WHERE type LIKE 'Record%' ORDER BY seq") ==
          Lines{"shipping-events.retry RecordParked.v1 true true",
                "payment-events.retry RecordParked.v1 true true",
                "inventory-events.retry RecordParked.v1 true true"});
    const auto said = lab.database.query("SELECT data FROM outbox WHERE type LIKE 'Record%'"
                                         " ORDER BY seq");
    const auto failed = events::decode_record_parked(said.at(0)).value();
    CHECK(failed.service == "order-service");
    CHECK(failed.order_id == bad.id);
    CHECK(failed.attempts == 1);
    CHECK(failed.error.starts_with("failed: "));
    CHECK(failed.due_at == failed.timestamp + 1s);
    const auto& original = failed.original_message;
    CHECK(original.topic == "shipping-events");
    CHECK(original.offset == records[1].offset);
    CHECK(original.key == records[1].key);
    CHECK(original.value == records[1].value);
    CHECK(original.encoding == "utf-8");
    CHECK_FALSE(original.truncated);
    REQUIRE(original.headers.size() == records[1].headers.size());
    CHECK(original.headers[1].name == "ce_id");
    CHECK(original.headers[1].value == records[1].header("ce_id"));
    const auto behind = events::decode_record_parked(said.at(1)).value();
    CHECK(behind.attempts == 0);
    CHECK(behind.error.starts_with("behind: "));

    for (int attempt = 2; attempt <= 6; ++attempt) {
        lab.make_due("attempts > 0");
        REQUIRE(lab.retry());
    }
    const auto later = lab.database.query("SELECT topic FROM outbox WHERE type LIKE 'Record%'"
                                          " ORDER BY seq OFFSET 3");
    CHECK(later == Lines{"shipping-events.retry", "shipping-events.retry", "shipping-events.retry",
                         "shipping-events.retry", "dead-letter-queue"});
    const auto death =
        lab.database.query("SELECT data FROM outbox WHERE type = 'RecordDied.v1'").at(0);
    const auto died = events::decode_record_died(death).value();
    CHECK(died.attempts == 6);
    CHECK(died.order_id == bad.id);
    CHECK(died.original_message == original);
}

TEST_CASE("parked: an undecodable record is announced as dead, with the key that it had") {
    Lab lab;
    Message broken = message_of(Story{}.captured());
    broken.key = "no\xff id";
    const auto records = records_of(std::vector{broken});
    lab.run(records);
    lab.run(records);

    REQUIRE(lab.database.number("SELECT count(*) FROM outbox") == 1);
    CHECK(lab.database.query("SELECT concat_ws(' ', topic, type, key, order_id) FROM outbox") ==
          Lines{"dead-letter-queue RecordDied.v1 no\xef\xbf\xbd id"});
    const auto data = lab.database.query("SELECT data FROM outbox").at(0);
    const auto died = events::decode_record_died(data).value();
    CHECK(died.attempts == 1);
    CHECK(died.error.starts_with("key-mismatch: "));
}

TEST_CASE("parked: the same place with another event is another record: the topic was made anew") {
    Lab lab;
    const Story one, two;
    Message first = message_of(one.captured());
    Message second = message_of(two.captured());
    first.value = second.value = "{";
    lab.run({record_of(first, 7)});
    lab.run({record_of(second, 7)});
    lab.run({record_of(first, 7)});

    CHECK(lab.parked() == Lines{"payment-events 1 dead", "payment-events 1 dead"});
    CHECK(lab.database.number("SELECT count(DISTINCT ce_id) FROM parked") == 2);
    CHECK(lab.database.number("SELECT count(*) FROM outbox") == 2);
}

TEST_CASE("parked: analytics puts aside and announces as the others do, as far as the topic") {
    Lab lab(Service::analytics);
    const Story bad, good;
    Message broken = message_of(good.captured());
    broken.value = "[]";
    TopicReader deaths("dead-letter-queue");
    Stumbling stumbling(*lab.handler, {bad.id});
    auto records = records_of({message_of(bad.placed()), message_of(good.placed()), broken,
                               message_of(bad.reserved())});
    const auto batch = messaging::decode_batch(Service::analytics, records);

    messaging::run_batch(lab.worker.work, stumbling, batch);

    CHECK(lab.parked() == Lines{"payment-events 1 dead", "order-events 1 blocks",
                                "inventory-events 0 blocks"});
    CHECK(lab.database.query("SELECT concat_ws(' ', topic, type) FROM outbox ORDER BY seq") ==
          Lines{"dead-letter-queue RecordDied.v1", "order-events.retry RecordParked.v1",
                "inventory-events.retry RecordParked.v1"});
    const auto data = lab.database.query("SELECT data FROM outbox ORDER BY seq");
    CHECK(events::decode_record_died(data.at(0)).value().service == "analytics-service");
    CHECK(events::decode_record_parked(data.at(1)).value().service == "analytics-service");
    CHECK(events::decode_record_parked(data.at(1)).value().error == "failed: stumbled");

    prometheus::Registry registry;
    messaging::RelayLoop relay(
        {Service::analytics, lab.database.url(), fresh_kafka(), registry, lab.worker.bell});
    const auto& arrivals = deaths.read_until([&](const auto& all) {
        return std::ranges::find(all, good.id.to_string(), &TopicReader::Arrival::key) != all.end();
    });
    CHECK(std::ranges::find(arrivals, good.id.to_string(), &TopicReader::Arrival::key) !=
          arrivals.end());
    relay.stop();

    lab.make_due();
    while (lab.retry()) {
    }
    CHECK(lab.parked() == Lines{"payment-events 1 dead"});
    CHECK(lab.database.number("SELECT count(*) FROM timelines WHERE order_placed_at IS NOT NULL") ==
          2);
}

}  // namespace orderflow::test
