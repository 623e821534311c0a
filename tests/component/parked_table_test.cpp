// The table of parked records on PostgreSQL: what a row keeps of its record, which record is which,
// and what happens when several loops work on it.

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "component/parked_lab.hpp"
#include "kafka/delivery.hpp"
#include "kafka/record.hpp"
#include "loops/batch.hpp"
#include "outbox/parked_table.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using events::Event;
using events::Service;
using kafka::Delivery;
using kafka::Record;

}  // namespace

TEST_CASE("parked: a record comes out of the table as it went in, byte for byte") {
    Lab lab;
    std::string all_bytes;
    for (int c = 0; c < 256; ++c) all_bytes += static_cast<char>(c);
    Message odd;
    odd.topic = "payment-events";
    odd.key = std::string("key\0\xff\xc3\x28'\"\\", 10);
    odd.value = all_bytes + "\xf0\x9f\x98\x80" + all_bytes;
    odd.headers = {{"ce_id", "no uuid"},
                   {"all", all_bytes},
                   {std::string("n\0\xffn", 4), ""},
                   {"", "no name"},
                   {"ce_type", "x"},
                   {"ce_type", "the second"},
                   {"json", "\"\\\n{}[]"},
                   {"emoji\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80\xff"}};
    Message empty;
    empty.topic = "payment-events";
    Message without_key = empty;
    without_key.value = "no key";
    for (const Message& message : {odd, empty, without_key}) {
        Record record = record_of(message, 4'611'686'018'427'387'904);
        if (message.value == without_key.value) record.key.reset();
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
        lab.worker.work.commit({});
    }
    CHECK(lab.parked().empty());
}

TEST_CASE("parked: two loops at once take records of different orders, never one order's second") {
    Lab lab;
    const Story a, b;
    park(lab.worker,
         records_of(std::vector<Event>{a.reserved(), b.reserved(), a.captured(), b.captured()}));
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
    lab.worker.work.commit({});
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
    REQUIRE(loops::retry_due(Service::order, other.work, *handler));
    const auto before = lab.database.query("SELECT attempts || ' ' || due_at FROM parked");
    const auto said = lab.database.number("SELECT count(*) FROM outbox");

    outbox::run_transaction(lab.worker.work, [&](Instant now, outbox::BatchOutput&) {
        CHECK_FALSE(lab.worker.work.retried({&*seen, "failed: late", now + 4s}));
        return true;
    });

    CHECK(lab.database.query("SELECT attempts || ' ' || due_at FROM parked") == before);
    CHECK(lab.database.number("SELECT count(*) FROM outbox") == said);
}

namespace {

// Notes each record, and whether two of one order were ever under way at the same time.
class WatchingHandler final : public loops::BatchHandler {
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

    bool handle(Instant, std::span<const Delivery> batch, outbox::BatchOutput&) override {
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
                    loops::retry_due(Service::order, worker.work, handler);
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

TEST_CASE("parked: the same place with another event is another record: the topic was recreated") {
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

TEST_CASE("parked: of records at one place without an event id none is taken for another") {
    Lab lab;
    Message first = message_of(Story{}.captured());
    first.header("ce_id") = "none";
    Message other_key = first, other_value = first, other_headers = first;
    other_key.key += "x";
    other_value.value += " ";
    other_headers.header("ce_id") = "neither";
    for (int i = 0; i < 2; ++i) {
        for (const Message& message : {first, other_key, other_value, other_headers}) {
            lab.run({record_of(message, 7)});
        }
    }

    CHECK(lab.parked() == Lines(4, "payment-events 1 dead"));
    CHECK(lab.database.number("SELECT count(*) FROM outbox") == 4);
}

TEST_CASE("parked: a record of any size can be read back, and its failing stops no other") {
    Lab lab;
    const Story good;
    Message many;
    many.topic = "payment-events";
    for (int i = 0; i < 20'000; ++i) many.headers.emplace_back("h", "");
    Message large;
    large.topic = "payment-events";
    large.headers = {{std::string(500'000, 'n'), std::string(500'000, '\0')}};
    large.value = std::string(1'000'000, '\xff');
    Message no_headers;
    no_headers.topic = "payment-events";
    no_headers.headers.clear();
    std::vector<Record> records;
    for (const Message& message : {many, large, no_headers}) {
        records.push_back(record_of(message, 1));
        park(lab.worker, {records.back()});
        lab.make_due();
        const auto taken = lab.worker.work.take_due(lab.worker.work.begin());
        REQUIRE(taken);
        CHECK((taken->record.headers == records.back().headers));  // too large to be printed
        CHECK((taken->record.value == records.back().value));
        lab.worker.work.rollback();
        lab.database.query("DELETE FROM parked");
    }
    park(lab.worker, records);
    lab.run({good.scheduled()});  // an orphan
    lab.run({good.reserved()});

    lab.make_due();
    lab.database.query("UPDATE parked SET attempts = 5 WHERE order_id IS NULL");
    for (int i = 0; i < 3; ++i) CHECK(lab.retry() == loops::Retry::died);
    CHECK(lab.retry() == loops::Retry::done);
    CHECK(lab.state(good) == "COMPLETED");
}

TEST_CASE("parked: those alive and those dead are counted") {
    Lab lab;
    outbox::ParkedTable table(lab.worker.connection);
    CHECK(table.count().alive == 0);
    CHECK(table.count().dead == 0);
    const Story a, b, c;
    park(lab.worker, records_of(std::vector<Event>{a.reserved(), b.reserved(), c.reserved()}));
    lab.database.query("UPDATE parked SET dead = true, due_at = NULL WHERE order_id = '" +
                       a.id.to_string() + "'");
    CHECK(table.count().alive == 2);
    CHECK(table.count().dead == 1);
}

}  // namespace orderflow::test
