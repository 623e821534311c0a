// Records that cannot be handled, on PostgreSQL: who is put aside, who waits behind, when each is
// tried again and when given up, and what is said about it.

#include <catch2/catch_test_macros.hpp>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include "component/parked_lab.hpp"
#include "events/announcements.hpp"
#include "kafka/delivery.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"
#include "loops/relay_loop.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/kafka.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using events::Event;
using events::Service;
using kafka::Delivery;

// A handler in front of another one that stumbles over some orders.
class Stumbling final : public loops::BatchHandler {
public:
    Stumbling(loops::BatchHandler& next, std::vector<OrderId> bad)
        : next_(next), bad_(std::move(bad)) {}

    bool handle(Instant now, std::span<const Delivery> batch, outbox::BatchOutput& out) override {
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
    loops::BatchHandler& next_;
    const std::vector<OrderId> bad_;
};

// What this process logs while this lives: "warning: text".
class CapturedLog {
public:
    CapturedLog() : before_(spdlog::default_logger()) {
        sink_->set_pattern("%l: %v");
        spdlog::set_default_logger(std::make_shared<spdlog::logger>("captured", sink_));
    }
    ~CapturedLog() { spdlog::set_default_logger(before_); }

    Lines lines() const { return sink_->last_formatted(); }

private:
    const std::shared_ptr<spdlog::logger> before_;
    const std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> sink_ =
        std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(100);
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
    CHECK(lab.database.query("SELECT error FROM parked").at(0) == "failed: stock below zero: A");
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

    lab.database.query("UPDATE parked SET due_at = now() + interval '9 min' WHERE attempts = 1");
    CHECK_FALSE(lab.retry());  // the others are due, but not first
    lab.database.query("UPDATE parked SET due_at = now() + interval '26 h' WHERE attempts = 1");
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
                                  " BETWEEN now() + interval '" +
                                  s +
                                  " s' - interval '1 s'"
                                  " AND now() + interval '" +
                                  s + " s'") == 1);
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

    lab.database.query("UPDATE parked SET due_at = now() + interval '9 min' WHERE NOT blocks");
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
    lab.database.query(
        "UPDATE parked SET due_at = now() + interval '9 min'"
        " WHERE id = (SELECT min(id) FROM parked)");
    CHECK_FALSE(lab.retry());
    lab.make_due();
    CHECK(lab.retry());
    CHECK(lab.retry());

    CHECK(lab.state(lost) == "CANCELLING");
    CHECK(lab.database.number("SELECT answers FROM orders") == 1);
}

TEST_CASE("parked: each try that fails stands in the log once it is committed, and the death") {
    Lab lab;
    lab.break_bad();
    const Story bad = bad_story();
    const auto records = records_of(std::vector<Event>{bad.reserved(), bad.scheduled()});
    const std::string record = "shipping-events/" + std::to_string(records[1].partition) + "@" +
                               std::to_string(records[1].offset) + " of order " +
                               bad.id.to_string();
    const CapturedLog log;

    lab.run(records);
    lab.run(records);  // it comes again, and is parked already
    for (int attempt = 2; attempt <= 6; ++attempt) {
        lab.make_due("attempts > 0");
        REQUIRE(lab.retry());
    }

    const Lines lines = log.lines();
    REQUIRE(lines.size() == 6);
    for (int attempt = 1; attempt <= 5; ++attempt) {
        const std::string& line = lines[static_cast<std::size_t>(attempt - 1)];
        CHECK(line.starts_with("warning: record failed: " + record + ", try " +
                               std::to_string(attempt) + " of 6, next at 20"));
        CHECK(line.find("planted") != std::string::npos);
    }
    CHECK(lines[5].starts_with("error: record died: " + record + ", after 6 tries: failed: "));
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
                             bad.id.to_string() +
                             "') || ' ' || (key = order_id::text)"
                             " FROM outbox WHERE type LIKE 'Record%' ORDER BY seq") ==
          Lines{"shipping-events.retry RecordParked.v1 true true",
                "payment-events.retry RecordParked.v1 true true",
                "inventory-events.retry RecordParked.v1 true true"});
    const auto said = lab.database.query(
        "SELECT data FROM outbox WHERE type LIKE 'Record%'"
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
    const auto later = lab.database.query(
        "SELECT topic FROM outbox WHERE type LIKE 'Record%'"
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

TEST_CASE("parked: analytics puts aside and announces as the others do, as far as the topic") {
    Lab lab(Service::analytics);
    const Story bad, good;
    Message broken = message_of(good.captured());
    broken.value = "[]";
    TopicReader deaths("dead-letter-queue");
    Stumbling stumbling(*lab.handler, {bad.id});
    auto records = records_of(
        {message_of(bad.placed()), message_of(good.placed()), broken, message_of(bad.reserved())});
    const auto batch = loops::decode_batch(Service::analytics, records);

    loops::run_batch(lab.worker.work, stumbling, batch);

    CHECK(lab.parked() ==
          Lines{"payment-events 1 dead", "order-events 1 blocks", "inventory-events 0 blocks"});
    CHECK(lab.database.query("SELECT concat_ws(' ', topic, type) FROM outbox ORDER BY seq") ==
          Lines{"dead-letter-queue RecordDied.v1", "order-events.retry RecordParked.v1",
                "inventory-events.retry RecordParked.v1"});
    const auto data = lab.database.query("SELECT data FROM outbox ORDER BY seq");
    CHECK(events::decode_record_died(data.at(0)).value().service == "analytics-service");
    CHECK(events::decode_record_parked(data.at(1)).value().service == "analytics-service");
    CHECK(events::decode_record_parked(data.at(1)).value().error == "failed: stumbled");

    prometheus::Registry registry;
    loops::RelayLoop relay(
        {Service::analytics, lab.database.url(), fresh_kafka(), registry, lab.worker.relay_feed});
    const auto& arrivals = deaths.read_until([&](const auto& all) {
        return std::ranges::find(all, good.id.to_string(), &TopicReader::Arrival::key) != all.end();
    });
    CHECK(std::ranges::find(arrivals, good.id.to_string(), &TopicReader::Arrival::key) !=
          arrivals.end());
    relay.stop();

    lab.make_due();
    while (lab.retry()) {}
    CHECK(lab.parked() == Lines{"payment-events 1 dead"});
    CHECK(lab.database.number("SELECT count(*) FROM timelines WHERE order_placed_at IS NOT NULL") ==
          2);
}

}  // namespace orderflow::test
