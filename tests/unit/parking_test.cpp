// Records that cannot be handled, over ports in memory: who is found guilty, who is put aside with
// it, and what becomes of a parked record that is tried again.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "kafka/delivery.hpp"
#include "kafka/record.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"
#include "outbox/parking.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/fakes.hpp"
#include "unit/batches.hpp"

namespace orderflow::loops {
namespace {

using namespace std::chrono_literals;
using events::Service;
using test::complete_all;
using test::FakeHandler;
using test::FakeUnitOfWork;
using test::Story;
using test::two_good_one_broken;
using Calls = std::vector<std::string>;

// Throws at a delivery of one of `bad`, as a rule whose assertion fails; completes the others.
class Stumbling {
public:
    explicit Stumbling(std::vector<OrderId> bad) : bad_(std::move(bad)) {}

    bool operator()(std::span<const kafka::Delivery> batch, outbox::BatchOutput& out) {
        for (const kafka::Delivery& delivery : batch) {
            if (std::ranges::find(bad_, *delivery.order_id()) != bad_.end()) {
                throw std::logic_error("no such state");
            }
        }
        return complete_all(batch, out);
    }

private:
    std::vector<OrderId> bad_;
};

// What was done in all transactions, without where they begin and end.
std::string fates(const FakeUnitOfWork& work) {
    std::string text;
    for (const auto& call : work.calls) {
        if (call == "begin" || call == "commit" || call == "rollback") continue;
        text += (text.empty() ? "" : ", ") + call;
    }
    return text;
}

outbox::DueRecord due_record(const std::vector<kafka::Record>& records, std::int32_t attempts) {
    outbox::DueRecord due;
    due.id = 1;
    due.attempts = attempts;
    due.order_id = OrderId::parse(records[0].key.value());
    due.record = records[0];
    return due;
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
    CHECK(work.calls.back().starts_with("commit"));
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

    CHECK(fates(work) == "park failed, commit OrderCompleted, park behind, commit OrderCompleted");
    CHECK(report.parked == 2);
}

TEST_CASE("parking: events of no order fail, are parked and wait behind their key like any other") {
    const auto adjusted = [](const std::string& product, std::int64_t change) {
        return events::StockAdjusted{product, "Desk", 1500, {}, change};
    };
    const auto records = test::records_of(std::vector<events::Event>{
        adjusted("bad", 1), adjusted("good", 1), adjusted("bad", 2), adjusted("good", 2)});
    FakeUnitOfWork work;
    int handled = 0;
    FakeHandler handler([&](std::span<const kafka::Delivery> batch, outbox::BatchOutput&) {
        for (const kafka::Delivery& delivery : batch) {
            CHECK_THROWS_AS(delivery.order(), std::logic_error);
            if (delivery.key() == "bad") throw std::logic_error("no such state");
        }
        handled += static_cast<int>(batch.size());
        return true;
    });

    const auto report = run_batch(work, handler, decode_batch(Service::analytics, records));

    CHECK(fates(work) == "park failed, park behind");
    CHECK(report.parked == 2);
    CHECK(handled == 2);
}

TEST_CASE("parking: a record of an order that waits goes behind, without the handler") {
    const Story blocked;
    const auto records = test::records_of(std::vector<events::Event>{blocked.captured()});
    FakeUnitOfWork work;
    work.waiting_keys = {blocked.id.to_string()};
    FakeHandler handler([](auto, auto&) -> bool { throw std::logic_error("not to be called"); });

    run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls == Calls{"begin", "park behind", "commit"});
    CHECK(handler.commits == 0);
}

TEST_CASE("parking: dead records are put aside even if the rest of their batch fails") {
    const auto records = two_good_one_broken();
    FakeUnitOfWork work;
    FakeHandler handler([](auto, auto&) -> bool { throw std::logic_error("always"); });

    const auto report = run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(fates(work) == "park dead, park failed, park failed");
    CHECK(report.parked == 2);
}

TEST_CASE("parking: nothing is put aside while something is unavailable") {
    const auto records = two_good_one_broken();
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
    work.due = due_record(records, 3);
    FakeHandler handler(complete_all);
    int handed_out = 0;  // before the last transaction
    work.on_begin = [&] { handed_out = handler.commits; };

    CHECK(retry_due(Service::order, work, handler) == Retry::done);

    CHECK(work.calls ==
          Calls{"begin", "take", "commit OrderCompleted", "begin", "unpark", "commit"});
    CHECK(handed_out == 1);
    CHECK(handler.commits == 1);
}

TEST_CASE("parking: a due record whose COMMIT was not answered is tried again, and handed out") {
    const auto records = test::records_of(std::vector<events::Event>{Story{}.captured()});
    FakeUnitOfWork work;
    work.due = due_record(records, 3);
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
    work.due = due_record(records, attempts);
    const bool orphan = GENERATE(false, true);
    FakeHandler handler(
        [&](std::span<const kafka::Delivery> batch, outbox::BatchOutput& out) -> bool {
            if (!orphan) throw std::logic_error("no such state");
            out.orphan(batch[0]);
            return true;
        });

    CHECK(retry_due(Service::order, work, handler) ==
          (attempts == 5 ? Retry::died : Retry::failed));

    const std::string last = attempts == 5 ? "give up" : "postpone";
    CHECK(fates(work) == "take, " + last);
    CHECK(work.last_error == (orphan ? "orphan: no such order" : "failed: no such state"));
    CHECK(handler.commits == (orphan ? 1 : 0));
}

TEST_CASE("parking: a failure counts only if no other process had the record meanwhile") {
    const auto records = test::records_of(std::vector<events::Event>{Story{}.captured()});
    FakeUnitOfWork work;
    work.due = due_record(records, GENERATE(1, 5));
    work.overtaken = true;
    const bool fails = GENERATE(false, true);
    FakeHandler handler([&](auto, auto&) -> bool {
        if (fails) throw std::logic_error("no such state");
        return true;
    });

    CHECK(retry_due(Service::order, work, handler) == Retry::overtaken);
}

// Old and new programs run side by side during an upgrade.
TEST_CASE("parking: a record that another release has parked stays parked, and is dead at last") {
    auto records = test::records_of(std::vector<events::Event>{Story{}.captured()});
    const Service self = GENERATE(Service::order, Service::inventory);
    if (self == Service::order) {  // an event that only the new release knows
        for (auto& [name, value] : records[0].headers) {
            if (name == "ce_type") value = "PaymentDisputed.v1";
        }
    }
    FakeUnitOfWork work;
    const auto attempts = GENERATE(3, 5);
    work.due = due_record(records, attempts);
    FakeHandler handler([](auto, auto&) -> bool { throw std::logic_error("not to be called"); });

    CHECK(retry_due(self, work, handler) == (attempts == 5 ? Retry::died : Retry::failed));

    CHECK(work.last_error == "unknown: not consumed here");
    CHECK(handler.commits == 0);
}

TEST_CASE("parking: tries lie 1, 4, 16, 60 and 120 seconds apart") {
    std::vector<std::chrono::milliseconds> waits;
    for (std::int32_t n = 1; outbox::next_try_after(n); ++n)
        waits.push_back(*outbox::next_try_after(n));
    CHECK(waits == std::vector<std::chrono::milliseconds>{1s, 4s, 16s, 60s, 120s});
}

}  // namespace orderflow::loops
