// One batch and one relay round, over ports in memory: in which order things happen, and what is
// left when one of them fails.

#include <random>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "messaging/aggregates.hpp"
#include "messaging/batch.hpp"
#include "messaging/loops.hpp"
#include "messaging/relay.hpp"
#include "support/builders.hpp"
#include "support/fakes.hpp"

namespace orderflow::messaging {
namespace {

using namespace std::chrono_literals;
using events::Service;
using test::FakeHandler;
using test::FakeProducer;
using test::FakeUnitOfWork;
using test::MemoryLedger;
using test::Message;
using test::message_of;
using test::Story;
using Calls = std::vector<std::string>;

const std::chrono::steady_clock::time_point kStart{};

// Emits OrderCompleted for every delivery.
bool complete_all(std::span<const Delivery> batch, BatchOutput& out) {
    for (const Delivery& delivery : batch) {
        Story story;
        story.id = *delivery.order_id();
        out.emit(story.completed(), delivery.traceparent);
    }
    return true;
}

std::vector<Record> two_good_one_broken() {
    Message broken = message_of(Story{}.captured());
    broken.value = "{";
    return test::records_of(
        {message_of(Story{}.scheduled()), broken, message_of(Story{}.refused())});
}

std::vector<Record> two_good() {
    return test::records_of(std::vector<events::Event>{Story{}.scheduled(), Story{}.refused()});
}

std::string death_of(const Message& message) {
    const auto records = test::records_of(std::vector{message});
    const auto batch = decode_batch(Service::order, records);
    return batch.dead.empty() ? "alive" : batch.dead[0].error;
}

// A ledger with `count` events of a few orders, with gaps in seq.
MemoryLedger ledger_of(int count) {
    MemoryLedger ledger;
    std::vector<OrderId> orders(5);
    for (auto& order : orders) order = test::new_order_id();
    for (int i = 0; i < count; ++i) {
        ledger.append(2 * i + 1, orders[static_cast<std::size_t>(i % 5)]);
    }
    return ledger;
}

std::vector<std::int64_t> seqs(const MemoryLedger& ledger) {
    std::vector<std::int64_t> list;
    for (const auto& row : ledger.rows) list.push_back(row.seq);
    return list;
}

}  // namespace

// ---- decode_batch ------------------------------------------------------------------------------

TEST_CASE("decode: records keep their order, each event stands once, the rest is counted") {
    const Story a;
    const Story b;
    const Message first = message_of(a.captured());
    const Message second = message_of(b.scheduled());
    Message unknown = message_of(a.captured());
    unknown.header("ce_type") = "PaymentPondered.v1";
    Message broken = message_of(b.refunded());
    broken.value = "{}";
    const auto records = test::records_of(
        {first, first, second, unknown, message_of(a.placed()), broken, second, first});

    const DecodedBatch batch = decode_batch(Service::order, records);

    REQUIRE(batch.deliveries.size() == 2);
    CHECK(batch.deliveries[0].event == events::Event{a.captured()});
    CHECK(batch.deliveries[0].record == &records[0]);
    CHECK(batch.deliveries[1].event == events::Event{b.scheduled()});
    REQUIRE(batch.dead.size() == 1);
    CHECK(batch.dead[0].record == &records[5]);
    CHECK(batch.dead[0].order_id == b.id);
    CHECK(batch.report.records == 8);
    CHECK(batch.report.deliveries == 2);
    CHECK(batch.report.doubles == 3);
    CHECK(batch.report.unknown == 1);
    CHECK(batch.report.skipped == 1);  // its own OrderPlaced
    CHECK(batch.report.dead == 1);
}

TEST_CASE("decode: the same event with another id is delivered again") {
    const Story story;
    const auto records = test::records_of(
        std::vector<events::Event>{story.captured(), story.captured()});
    CHECK(decode_batch(Service::order, records).deliveries.size() == 2);
}

TEST_CASE("decode: a dead record does not use up its event id") {
    Message broken = message_of(Story{}.captured());
    Message whole = broken;
    broken.value = "{";
    const auto records = test::records_of({broken, whole});
    CHECK(decode_batch(Service::order, records).deliveries.size() == 1);
}

TEST_CASE("decode: each fault of a record has its own reason") {
    const Message good = message_of(Story{}.captured());
    CHECK(death_of(good) == "alive");

    Message other_key = good;
    other_key.key = test::new_order_id().to_string();
    CHECK(death_of(other_key).starts_with("key-mismatch: "));

    Message no_key = good;
    no_key.key.clear();
    CHECK(death_of(no_key).starts_with("key-mismatch: "));

    Message version = good;
    version.header("ce_type") = "PaymentCaptured.v2";
    CHECK(death_of(version).starts_with("version: "));

    Message twice = good;
    twice.value.insert(1, R"("amount":1,)");
    CHECK(death_of(twice).starts_with("json-duplicate-key: "));

    Message fraction = good;
    fraction.value.replace(fraction.value.find("\"amount\":1500"), 13, "\"amount\":15.5");
    CHECK(death_of(fraction) != "alive");
}

TEST_CASE("decode: headers are taken up to 64 and 8 KiB, and one more is a dead record") {
    const Message good = message_of(Story{}.captured());
    std::size_t bytes = 0;
    for (const auto& [name, value] : good.headers) bytes += name.size() + value.size();

    Message many = good;
    while (many.headers.size() < 64) many.headers.emplace_back("x", "");
    CHECK(death_of(many) == "alive");
    many.headers.emplace_back("x", "");
    CHECK(death_of(many).starts_with("envelope: "));

    Message large = good;
    large.headers.emplace_back("x", std::string(8 * 1024 - bytes - 1, 'y'));
    CHECK(death_of(large) == "alive");
    large.headers.back().second += 'y';
    CHECK(death_of(large).starts_with("envelope: "));
}

TEST_CASE("decode: a traceparent that is none is dropped, its event is not") {
    const auto records = test::records_of(std::vector{
        message_of(Story{}.captured(), test::new_id<EventId>(), "00-\",\"x\":\"")});
    const auto batch = decode_batch(Service::order, records);
    REQUIRE(batch.deliveries.size() == 1);
    CHECK(batch.deliveries[0].traceparent.empty());
}

// ---- run_batch ---------------------------------------------------------------------------------

TEST_CASE("batch: dead records are put aside first, then events appended last and committed") {
    const auto records = two_good_one_broken();
    FakeUnitOfWork work;
    FakeHandler handler(complete_all);

    const BatchReport report =
        run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls ==
          Calls{"begin", "park dead", "append", "commit",  //
                "begin", "append OrderCompleted OrderCompleted", "commit"});
    CHECK(handler.commits == 1);
    CHECK(report.emitted == 2);
    CHECK(report.dead == 1);
    CHECK(report.lost_races == 0);
}

TEST_CASE("batch: without anything to do there is no transaction") {
    Message unknown = message_of(Story{}.captured());
    unknown.header("ce_type") = "PaymentPondered.v1";
    const auto records = test::records_of({unknown, message_of(Story{}.placed())});
    FakeUnitOfWork work;
    FakeHandler handler(complete_all);

    run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls.empty());
    CHECK(handler.commits == 0);
}

TEST_CASE("batch: dead records alone are put aside without the handler") {
    Message broken = message_of(Story{}.captured());
    broken.value.clear();
    const auto records = test::records_of(std::vector{broken});
    FakeUnitOfWork work;
    FakeHandler handler([](auto, auto&) -> bool { throw std::logic_error("not to be called"); });

    run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls == Calls{"begin", "park dead", "append", "commit"});
    CHECK(handler.commits == 0);
}

TEST_CASE("batch: an outcome without events takes no outbox lock") {
    const auto records = test::records_of(std::vector<events::Event>{Story{}.captured()});
    FakeUnitOfWork work;
    FakeHandler handler([](auto, auto&) { return true; });

    run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls == Calls{"begin", "commit"});
}

TEST_CASE("batch: an orphan is put aside, and holds up nothing") {
    const auto records = two_good_one_broken();
    FakeUnitOfWork work;
    FakeHandler handler([](std::span<const Delivery> batch, BatchOutput& out) {
        out.orphan(batch[0]);
        return true;
    });

    const auto report = run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls == Calls{"begin", "park dead", "append", "commit",  //
                              "begin", "park orphan", "append", "commit"});
    CHECK(report.dead == 1);
    CHECK(report.parked == 1);
}

TEST_CASE("batch: a lost compare-and-set is rolled back and run again from nothing") {
    const auto records = two_good_one_broken();
    FakeUnitOfWork work;
    int attempts = 0;
    FakeHandler handler([&](std::span<const Delivery> batch, BatchOutput& out) {
        complete_all(batch, out);
        return ++attempts == 3;
    });

    const auto report = run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls == Calls{"begin", "park dead", "append", "commit",  //
                              "begin", "rollback", "begin", "rollback",
                              "begin", "append OrderCompleted OrderCompleted", "commit"});
    CHECK(handler.commits == 1);
    CHECK(report.lost_races == 2);
    CHECK(report.emitted == 2);
}

TEST_CASE("batch: a compare-and-set that is lost for ever ends in an exception") {
    const auto records = two_good();
    FakeUnitOfWork work;
    FakeHandler handler([](auto, auto&) { return false; });

    CHECK_THROWS(run_batch(work, handler, decode_batch(Service::order, records)));

    CHECK(work.calls.back() == "rollback");
    CHECK(std::ranges::count(work.calls, "commit") == 0);
    CHECK(handler.commits == 0);
}

TEST_CASE("batch: a deadlock is a lost compare-and-set, a database out of reach is told on") {
    const auto records = two_good();
    const auto batch = decode_batch(Service::order, records);
    const std::string sqlstate = GENERATE("40P01", "40001", "08006", "57014", "55P03");
    CAPTURE(sqlstate);
    FakeUnitOfWork work;
    int attempts = 0;
    FakeHandler handler([&](auto, auto&) {
        if (++attempts == 1) throw postgres::DatabaseError("planned", sqlstate, false);
        return true;
    });

    if (sqlstate == "40P01") {
        CHECK(run_batch(work, handler, batch).lost_races == 1);
        CHECK(work.calls == Calls{"begin", "rollback", "begin", "commit"});
    } else {
        CHECK_THROWS_AS(run_batch(work, handler, batch), postgres::DatabaseError);
        CHECK(work.calls == Calls{"begin", "rollback"});
    }
}

TEST_CASE("batch: wherever it fails it is rolled back, told on, and can be run again") {
    const auto records = two_good_one_broken();
    const DecodedBatch batch = decode_batch(Service::order, records);
    FakeUnitOfWork work;
    FakeHandler handler(complete_all);
    work.failing = GENERATE("begin", "park", "append", "commit");
    CAPTURE(work.failing);

    CHECK_THROWS_AS(run_batch(work, handler, batch), std::runtime_error);

    CHECK(work.calls.back() == "rollback");
    CHECK(handler.commits == 0);

    work.failing.clear();
    work.calls.clear();
    run_batch(work, handler, batch);
    CHECK(work.calls == Calls{"begin", "park dead", "append", "commit",  //
                              "begin", "append OrderCompleted OrderCompleted", "commit"});
    CHECK(handler.commits == 1);
}

// ---- parking -----------------------------------------------------------------------------------

namespace {

// Throws at a delivery of one of `bad`, as a rule whose assertion fails; completes the others.
class Stumbling {
public:
    explicit Stumbling(std::vector<OrderId> bad) : bad_(std::move(bad)) {}

    bool operator()(std::span<const Delivery> batch, BatchOutput& out) {
        for (const Delivery& delivery : batch) {
            if (std::ranges::find(bad_, *delivery.order_id()) != bad_.end()) {
                throw std::logic_error("no such state");
            }
        }
        return complete_all(batch, out);
    }

private:
    std::vector<OrderId> bad_;
};

// The orders whose events were appended, in order, as indices into `stories`.
std::string fates(const FakeUnitOfWork& work) {
    std::string text;
    for (const auto& call : work.calls) {
        if (call == "begin" || call == "commit" || call == "rollback") continue;
        text += (text.empty() ? "" : ", ") + call;
    }
    return text;
}

messaging::WaitingRecord waiting(const std::vector<Record>& records, std::int32_t attempts) {
    messaging::WaitingRecord waiting;
    waiting.id = 1;
    waiting.attempts = attempts;
    waiting.order_id = OrderId::parse(records[0].key);
    waiting.record = records[0];
    return waiting;
}

}  // namespace

TEST_CASE("parking: of a batch that fails only the guilty record is put aside") {
    const auto bad = GENERATE(range(0, 7));
    std::vector<Story> stories(7);
    std::vector<events::Event> events;
    for (const Story& story : stories) events.push_back(story.captured());
    const auto records = test::records_of(events);
    FakeUnitOfWork work;
    FakeHandler handler(Stumbling({stories[static_cast<std::size_t>(bad)].id}));

    const auto report = run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(report.parked == 1);
    CHECK(report.emitted == 6);
    CHECK(std::ranges::count(work.calls, "park failed") == 1);
    CHECK(work.calls.back() == "commit");
}

TEST_CASE("parking: one guilty record of 500 is found by 18 transactions more, and parked by one") {
    std::vector<Story> stories(500);
    std::vector<events::Event> events;
    for (const Story& story : stories) events.push_back(story.captured());
    const auto records = test::records_of(events);
    FakeUnitOfWork work;
    // Found in 250, 125, 63, 32, 16, 8, 4, 2 and 1: always in the larger part.
    FakeHandler handler(Stumbling({stories.back().id}));

    CHECK(run_batch(work, handler, decode_batch(Service::order, records)).parked == 1);

    CHECK(std::ranges::count(work.calls, "begin") == 1 + 18 + 1);
}

TEST_CASE("parking: later records of the guilty one's order wait behind it, others pass") {
    const Story bad;
    const Story good;
    const auto records = test::records_of(std::vector<events::Event>{
        bad.reserved(), good.reserved(), bad.captured(), good.captured()});
    FakeUnitOfWork work;
    FakeHandler handler(Stumbling({bad.id}));

    const auto report = run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(fates(work) ==
          "park failed, append, append OrderCompleted, park behind, append OrderCompleted");
    CHECK(report.parked == 2);
}

TEST_CASE("parking: a record of an order that waits goes behind, without the handler") {
    const Story blocked;
    const auto records = test::records_of(std::vector<events::Event>{blocked.captured()});
    FakeUnitOfWork work;
    work.waiting_orders = {blocked.id};
    FakeHandler handler([](auto, auto&) -> bool { throw std::logic_error("not to be called"); });

    run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls == Calls{"begin", "park behind", "append", "commit"});
    CHECK(handler.commits == 0);
}

TEST_CASE("parking: dead records are put aside even if the rest of their batch fails") {
    const auto records = two_good_one_broken();
    FakeUnitOfWork work;
    FakeHandler handler([](auto, auto&) -> bool { throw std::logic_error("always"); });

    const auto report = run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(fates(work) == "park dead, append, park failed, append, park failed, append");
    CHECK(report.parked == 2);
}

TEST_CASE("parking: nothing is put aside while something is out of reach") {
    const auto records = two_good();
    FakeUnitOfWork work;
    FakeHandler handler(
        [](auto, auto&) -> bool { throw postgres::DatabaseError("gone", "08006", true); });

    CHECK_THROWS_AS(run_batch(work, handler, decode_batch(Service::order, records)),
                    postgres::DatabaseError);

    CHECK(work.calls == Calls{"begin", "rollback"});
}

TEST_CASE("parking: a due record that succeeds is removed after what follows was handed out") {
    const auto records = test::records_of(std::vector<events::Event>{Story{}.captured()});
    FakeUnitOfWork work;
    work.due = waiting(records, 3);
    FakeHandler handler(complete_all);
    int handed_out = 0;  // before the last transaction
    work.on_begin = [&] { handed_out = handler.commits; };

    CHECK(retry_due(Service::order, work, handler) == Retry::done);

    CHECK(work.calls == Calls{"begin", "take", "append OrderCompleted", "commit",
                              "begin", "unpark", "commit"});
    CHECK(handed_out == 1);
    CHECK(handler.commits == 1);
}

TEST_CASE("parking: a due record whose COMMIT was not answered is tried again, and handed out") {
    const auto records = test::records_of(std::vector<events::Event>{Story{}.captured()});
    FakeUnitOfWork work;
    work.due = waiting(records, 3);
    FakeHandler handler(complete_all);
    work.failing = "commit";
    CHECK_THROWS_AS(retry_due(Service::order, work, handler), postgres::DatabaseError);
    CHECK(handler.commits == 0);

    work.failing.clear();
    CHECK(retry_due(Service::order, work, handler));

    CHECK(handler.commits == 1);
    CHECK(std::ranges::count(work.calls, "unpark") == 1);
    CHECK_FALSE(retry_due(Service::order, work, handler));
}

TEST_CASE("parking: without a due record nothing is done") {
    FakeUnitOfWork work;
    FakeHandler handler([](auto, auto&) -> bool { throw std::logic_error("not to be called"); });
    CHECK_FALSE(retry_due(Service::order, work, handler));
    CHECK(work.calls == Calls{"begin", "take", "commit"});
}

TEST_CASE("parking: a due record that fails again waits longer, the sixth time it is dead") {
    const auto records = test::records_of(std::vector<events::Event>{Story{}.captured()});
    const auto attempts = GENERATE(1, 2, 3, 4, 5);
    FakeUnitOfWork work;
    work.due = waiting(records, attempts);
    const bool orphan = GENERATE(false, true);
    FakeHandler handler([&](std::span<const Delivery> batch, BatchOutput& out) -> bool {
        if (!orphan) throw std::logic_error("no such state");
        out.orphan(batch[0]);
        return true;
    });

    CHECK(retry_due(Service::order, work, handler) ==
          (attempts == 5 ? Retry::died : Retry::failed));

    const std::string last = attempts == 5 ? "give up" : "postpone";
    CHECK(fates(work) == "take, " + last + ", append");
    CHECK(work.last_error ==
          (orphan ? "orphan: no such order" : "failed: no such state"));
    CHECK(handler.commits == (orphan ? 1 : 0));
}

TEST_CASE("parking: a failure counts only if no other process had the record meanwhile") {
    const auto records = test::records_of(std::vector<events::Event>{Story{}.captured()});
    FakeUnitOfWork work;
    work.due = waiting(records, GENERATE(1, 5));
    work.overtaken = true;
    const bool fails = GENERATE(false, true);
    FakeHandler handler([&](auto, auto&) -> bool {
        if (fails) throw std::logic_error("no such state");
        return true;
    });

    CHECK(retry_due(Service::order, work, handler) == Retry::overtaken);

    CHECK(std::ranges::count(work.calls, "append") == 0);  // nothing to announce
}

TEST_CASE("parking: tries lie 1, 4, 16, 60 and 120 seconds apart") {
    std::vector<std::chrono::milliseconds> waits;
    for (std::int32_t n = 1; next_try_after(n); ++n) waits.push_back(*next_try_after(n));
    CHECK(waits == std::vector<std::chrono::milliseconds>{1s, 4s, 16s, 60s, 120s});
}

// ---- aggregates --------------------------------------------------------------------------------

TEST_CASE("aggregates: the last row put is the one that is saved, in id order, if any was") {
    Aggregates<std::string> rows;
    std::vector<OrderId> ids(4);
    for (auto& id : ids) id = test::new_order_id();
    std::ranges::sort(ids);
    rows.loaded(ids[2], "stored", 7);
    rows.loaded(ids[1], "stored", 3);
    rows.loaded(ids[0], "untouched", 5);

    CHECK(rows.find(ids[3]) == nullptr);
    rows.put(ids[3], "new");
    rows.put(ids[2], "changed");
    rows.put(ids[1], "once");
    rows.put(ids[1], "twice");

    const auto changes = rows.changes();
    REQUIRE(changes.inserts.size() == 1);
    CHECK(changes.inserts[0]->row == "new");
    REQUIRE(changes.updates.size() == 2);
    CHECK(changes.updates[0]->row == "twice");
    CHECK(changes.updates[0]->version == 3);
    CHECK(changes.updates[1]->id == ids[2]);
    CHECK(changes.updates[1]->version == 7);
    CHECK(*rows.find(ids[1]) == "twice");
    CHECK(rows.stored_version(ids[3]) == 0);
}

TEST_CASE("aggregates: the orders of a batch are named once each, sorted") {
    std::vector<std::optional<OrderId>> range(6);
    range[1] = range[3] = test::new_order_id();
    range[4] = test::new_order_id();
    const auto ids = distinct_orders(range, [](const auto& id) { return id ? &*id : nullptr; });
    CHECK(ids.size() == 2);
    CHECK(std::ranges::is_sorted(ids));
}

// ---- Relay -------------------------------------------------------------------------------------

TEST_CASE("relay: every event above the checkpoint is produced once, in ledger order") {
    MemoryLedger ledger = ledger_of(25);
    FakeProducer producer;
    Relay relay(ledger, producer, {.read_rows = 4});
    ledger.saved = ledger.rows[4].seq;
    relay.start();

    while (relay.step(kStart) > 0) {
    }

    const auto all = seqs(ledger);
    CHECK(producer.produced == std::vector(all.begin() + 5, all.end()));
    CHECK(relay.head() == all.back());
    CHECK(relay.confirmed() == all[4]);
    CHECK(ledger.saved == all[4]);
}

TEST_CASE("relay: the checkpoint follows the reports, about once a second") {
    MemoryLedger ledger = ledger_of(10);
    FakeProducer producer;
    Relay relay(ledger, producer, {});
    relay.start();
    relay.step(kStart);
    producer.report_all();

    relay.step(kStart + 999ms);
    CHECK(ledger.saved == 0);
    CHECK(relay.confirmed() == ledger.rows.back().seq);
    relay.step(kStart + 1000ms);
    CHECK(ledger.saved == ledger.rows.back().seq);
    CHECK(ledger.saves == 2);
}

TEST_CASE("relay: with a broker that reports nothing it still finds out that it leads no more") {
    MemoryLedger ledger = ledger_of(10);
    FakeProducer producer;
    Relay relay(ledger, producer, {.read_rows = 5, .in_flight = 5});
    relay.start();
    CHECK(relay.step(kStart) == 5);
    ledger.lost = true;

    CHECK(relay.step(kStart + 500ms) == 0);
    CHECK_THROWS(relay.step(kStart + 1s));
}

TEST_CASE("relay: the checkpoint never passes an event that is not reported") {
    MemoryLedger ledger = ledger_of(200);
    std::mt19937 random(GENERATE(range(1, 20)));
    FakeProducer producer;
    Relay relay(ledger, producer, {.read_rows = 7, .in_flight = 30});
    relay.start();

    for (int round = 0; round < 400; ++round) {
        relay.step(kStart + round * 1s);
        for (const auto& event : producer.in_flight) CHECK(ledger.saved < event.seq);
        for (auto n = random() % 5; n > 0 && !producer.in_flight.empty(); --n) {
            producer.report(random() % producer.in_flight.size());
        }
    }
    producer.report_all();
    relay.finish();
    CHECK(ledger.saved == ledger.rows.back().seq);
    CHECK(producer.produced == seqs(ledger));
}

TEST_CASE("relay: a report that is no success throws and leaves the checkpoint below it") {
    MemoryLedger ledger = ledger_of(10);
    FakeProducer producer;
    Relay relay(ledger, producer, {});
    relay.start();
    relay.step(kStart);
    producer.report(0);
    producer.report(0);
    producer.report(2, false);  // the fifth
    producer.report_all();

    CHECK_THROWS_AS(relay.step(kStart + 10s), std::runtime_error);
    CHECK(ledger.saved < ledger.rows[4].seq);

    FakeProducer fresh;
    Relay again(ledger, fresh, {});
    again.start();
    again.step(kStart);
    CHECK(std::ranges::includes(fresh.produced, std::vector{ledger.rows[4].seq}));
    fresh.report(0, false);
    CHECK_THROWS_AS(again.finish(), std::runtime_error);
}

TEST_CASE("relay: crashes lose no event and first occurrences keep the ledger's order") {
    MemoryLedger ledger = ledger_of(120);
    std::mt19937 random(GENERATE(range(1, 20)));
    std::vector<std::int64_t> topic;  // what reached the broker
    for (int life = 0; life < 200 && ledger.saved < ledger.rows.back().seq; ++life) {
        FakeProducer producer;
        producer.queue_capacity = 1 + random() % 40;
        Relay relay(ledger, producer, {.read_rows = 1 + random() % 20, .in_flight = 25});
        relay.start();
        const auto rounds = static_cast<int>(random() % 12);
        for (int round = 0; round < rounds; ++round) {
            relay.step(kStart + round * 1s);
            for (auto n = random() % 12; n > 0 && !producer.in_flight.empty(); --n) {
                producer.report(0);
            }
        }
        // Killed: of what is in flight any prefix may have reached the broker.
        const auto lost = random() % (producer.in_flight.size() + 1);
        topic.insert(topic.end(), producer.produced.begin(),
                     producer.produced.end() - static_cast<std::ptrdiff_t>(lost));
    }
    std::vector<std::int64_t> firsts;
    for (const auto seq : topic) {
        if (std::ranges::find(firsts, seq) == firsts.end()) firsts.push_back(seq);
    }
    CHECK(firsts == seqs(ledger));
}

TEST_CASE("relay: a full producer queue delays events and skips none") {
    MemoryLedger ledger = ledger_of(30);
    FakeProducer producer;
    producer.queue_capacity = 4;
    Relay relay(ledger, producer, {.read_rows = 10});
    relay.start();

    CHECK(relay.step(kStart) == 4);
    CHECK(relay.step(kStart) == 0);
    CHECK(relay.head() == ledger.rows[3].seq);
    CHECK(ledger.reads == 1);
    for (int round = 0; round < 30; ++round) {
        producer.report(0);
        relay.step(kStart);
    }
    producer.report_all();
    relay.finish();

    CHECK(producer.produced == seqs(ledger));
    CHECK(ledger.saved == ledger.rows.back().seq);
}

TEST_CASE("relay: it reads no further than it may have in flight") {
    MemoryLedger ledger = ledger_of(50);
    FakeProducer producer;
    Relay relay(ledger, producer, {.read_rows = 10, .in_flight = 20});
    relay.start();
    for (int round = 0; round < 10; ++round) relay.step(kStart);
    CHECK(producer.produced.size() == 20);

    producer.report_all();
    relay.step(kStart);
    CHECK(producer.produced.size() == 30);
}

TEST_CASE("relay: a checkpoint that an operator lowers stops it, and sends events again") {
    MemoryLedger ledger = ledger_of(20);
    FakeProducer producer;
    Relay relay(ledger, producer, {});
    relay.start();
    relay.step(kStart);
    producer.report_all();
    relay.step(kStart + 1s);
    REQUIRE(ledger.saved == ledger.rows.back().seq);
    // Whether it has something to save or not, and as it stops.
    const std::string when = GENERATE("idle", "working", "stopping");
    if (when != "idle") {
        ledger.append(100, test::new_order_id());
        relay.step(kStart + 1s);
        producer.report_all();
    }

    const std::int64_t lowered = ledger.rows[11].seq;
    ledger.saved = lowered;

    if (when == "stopping") {
        CHECK_THROWS(relay.finish());
    } else {
        CHECK_THROWS(relay.step(kStart + 2s));
    }
    CHECK(ledger.saved == lowered);
    FakeProducer fresh;
    Relay again(ledger, fresh, {});
    again.start();
    again.step(kStart + 3s);
    fresh.report_all();
    again.finish();
    const auto all = seqs(ledger);
    CHECK(fresh.produced == std::vector(all.begin() + 12, all.end()));
    CHECK(ledger.saved == all.back());
}

TEST_CASE("relay: what is appended later follows") {
    MemoryLedger ledger = ledger_of(3);
    FakeProducer producer;
    Relay relay(ledger, producer, {});
    relay.start();
    CHECK(relay.step(kStart) == 3);
    CHECK(relay.step(kStart) == 0);
    ledger.append(100, test::new_order_id());
    CHECK(relay.step(kStart) == 1);
    CHECK(producer.produced.back() == 100);
}

// ---- loops -------------------------------------------------------------------------------------

TEST_CASE("backoff: doubles from 50 ms to 5 s, and begins again after a success") {
    Backoff backoff;
    std::vector<std::chrono::milliseconds> waits;
    for (int i = 0; i < 9; ++i) waits.push_back(backoff.next());
    CHECK(waits == std::vector<std::chrono::milliseconds>{50ms, 100ms, 200ms, 400ms, 800ms, 1600ms,
                                                          3200ms, 5000ms, 5000ms});
    backoff.reset();
    CHECK(backoff.next() == 50ms);
}

}  // namespace orderflow::messaging
