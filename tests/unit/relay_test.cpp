// The relay's rounds over a ledger and a producer in memory: what is produced, what is confirmed,
// and what is left when it dies.

#include <random>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "kafka/producer.hpp"
#include "outbox/relay.hpp"
#include "support/fakes.hpp"

namespace orderflow::outbox {
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

    while (relay.step(kStart) > 0) {}

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

TEST_CASE("relay: while it is held it produces nothing, and notes what was under way") {
    MemoryLedger ledger = ledger_of(10);
    FakeProducer producer;
    Relay relay(ledger, producer, {.read_rows = 4});
    relay.start();
    CHECK(relay.step(kStart) == 4);
    ledger.on_hold = true;

    CHECK(relay.step(kStart + 500ms) == 0);
    producer.report_all();
    relay.finish();
    CHECK(ledger.saved == ledger.rows[3].seq);
    CHECK(producer.produced.size() == 4);
    ledger.on_hold = false;
    CHECK(relay.step(kStart + 2s) == 4);
}

TEST_CASE("relay: an event that is neither confirmed nor refused for ten seconds is named, once") {
    MemoryLedger ledger = ledger_of(3);
    FakeProducer producer;
    Relay relay(ledger, producer, {});
    relay.start();
    const auto seq = [&](std::chrono::seconds at) -> std::int64_t {
        const auto overdue = relay.take_overdue(kStart + at);
        return overdue ? overdue->seq : 0;
    };
    CHECK(seq(0s) == 0);
    relay.step(kStart + 100s);
    CHECK(seq(100s) == 0);
    CHECK(seq(109s) == 0);
    CHECK(seq(110s) == ledger.rows[0].seq);
    CHECK(seq(200s) == 0);
    producer.report_all();
    relay.step(kStart + 200s);
    CHECK(seq(300s) == 0);
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

TEST_CASE("relay: rows of other lanes are stepped over and do not hold up the checkpoint") {
    MemoryLedger ledger = ledger_of(6);
    for (const std::size_t i : {0u, 3u, 5u}) ledger.rows[i].elsewhere = true;
    FakeProducer producer;
    Relay relay(ledger, producer, {});
    relay.start();

    CHECK(relay.step(kStart) == 3);
    CHECK(producer.produced ==
          std::vector{ledger.rows[1].seq, ledger.rows[2].seq, ledger.rows[4].seq});
    CHECK(relay.confirmed() == ledger.rows[0].seq);
    CHECK(relay.stepped_over() == ledger.rows[5].seq);
    producer.report(2);
    relay.step(kStart + 1s);
    CHECK(ledger.saved == ledger.rows[0].seq);  // the second is not reported yet
    producer.report_all();
    relay.finish();
    CHECK(ledger.saved == ledger.rows[5].seq);
}

TEST_CASE("relay: any number of rows of other lanes leaves room for its own") {
    MemoryLedger ledger = ledger_of(50);
    for (std::size_t i = 1; i < 49; ++i) ledger.rows[i].elsewhere = true;
    FakeProducer producer;
    Relay relay(ledger, producer, {.read_rows = 5, .in_flight = 5});
    relay.start();
    for (int round = 0; round < 12; ++round) relay.step(kStart);

    CHECK(producer.produced == std::vector{ledger.rows[0].seq, ledger.rows[49].seq});
}

TEST_CASE("relay: a refusal names the event and why, and what was taken is not sent again") {
    MemoryLedger ledger = ledger_of(10);
    FakeProducer producer;
    Relay relay(ledger, producer, {});
    relay.start();
    relay.step(kStart);
    producer.report(0);
    producer.report(0);
    producer.refuse(1, kafka::Refusal::not_authorised);  // the fourth

    try {
        relay.step(kStart + 1ms);
        FAIL("it went on");
    } catch (const Refused& refused) {
        CHECK(refused.seq == ledger.rows[3].seq);
        CHECK(refused.why == kafka::Refusal::not_authorised);
        CHECK(std::string(refused.what()) == "refused");
    }
    CHECK(ledger.saved == ledger.rows[1].seq);
}

TEST_CASE("relay: up to a refused event it sends one at a time, and nothing again with it") {
    MemoryLedger ledger = ledger_of(6);
    FakeProducer producer;
    const std::int64_t refused = ledger.rows[2].seq;
    Relay relay(ledger, producer, {.one_by_one_until = refused});
    relay.start();

    for (int event = 0; event < 3; ++event) {
        CHECK(relay.step(kStart) == 1);
        CHECK(relay.step(kStart) == 0);
        CHECK(producer.in_flight.size() == 1);
        if (event < 2) producer.report(0);
    }
    CHECK(producer.produced.back() == refused);
    SECTION("it is refused again") {
        producer.refuse(0, kafka::Refusal::too_large);
        CHECK_THROWS_AS(relay.step(kStart), Refused);
        CHECK(producer.produced.size() == 3);
        CHECK(ledger.saved == ledger.rows[1].seq);
    }
    SECTION("it is taken") {
        producer.report(0);
        CHECK(relay.step(kStart) == 3);
    }
}

TEST_CASE("relay: a lane of announcements passes over what its topic refuses for itself") {
    MemoryLedger ledger = ledger_of(4);
    FakeProducer producer;
    const bool skip = GENERATE(true, false);
    const auto why =
        GENERATE(kafka::Refusal::too_large, kafka::Refusal::invalid, kafka::Refusal::gone);
    Relay relay(ledger, producer, {.skip_refused = skip});
    relay.start();
    relay.step(kStart);
    producer.refuse(1, why);
    producer.report_all();

    if (!skip || why == kafka::Refusal::gone) {
        CHECK_THROWS_AS(relay.step(kStart), Refused);
        CHECK(ledger.saved == ledger.rows[0].seq);
        return;
    }
    relay.finish();
    CHECK(ledger.saved == ledger.rows[3].seq);
    const auto skipped = relay.take_skipped();
    REQUIRE(skipped.size() == 1);
    CHECK(skipped[0].seq == ledger.rows[1].seq);
    CHECK(skipped[0].why == why);
    CHECK(relay.take_skipped().empty());
}

TEST_CASE("relay: a topic with another id has lost what was confirmed") {
    MemoryLedger ledger = ledger_of(4);
    ledger.saved = ledger.rows[2].seq;
    const std::int64_t saved = ledger.saved;

    CHECK_FALSE(Relay::meet_topic(ledger, "first", true));  // none was known
    CHECK(ledger.saved == saved);
    CHECK_FALSE(Relay::meet_topic(ledger, "first", true));
    CHECK(ledger.saved == saved);
    const bool send_again = GENERATE(true, false);
    CHECK(Relay::meet_topic(ledger, "second", send_again));
    CHECK(ledger.saved == (send_again ? 0 : saved));
    CHECK_FALSE(Relay::meet_topic(ledger, "second", send_again));
}

}  // namespace orderflow::outbox
