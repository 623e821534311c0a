// The relay's rounds over a ledger and a producer in memory: what is produced, what is confirmed,
// and what is left when it dies.

#include <random>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "messaging/relay.hpp"
#include "support/fakes.hpp"

namespace orderflow::messaging {
namespace {

using namespace std::chrono_literals;
using test::FakeProducer;
using test::MemoryLedger;

const std::chrono::steady_clock::time_point kStart{};

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

}  // namespace orderflow::messaging
