// One batch over ports in memory: in which order things happen, and what is left when one of them
// fails.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "kafka/delivery.hpp"
#include "kafka/producer.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/fakes.hpp"
#include "unit/batches.hpp"

namespace orderflow::loops {
namespace {

using events::Service;
using test::complete_all;
using test::FakeHandler;
using test::FakeUnitOfWork;
using test::Message;
using test::message_of;
using test::Story;
using test::two_good_one_broken;
using Calls = std::vector<std::string>;

}  // namespace

TEST_CASE("batch: dead records are put aside and events appended last, then committed") {
    const auto records = two_good_one_broken();
    FakeUnitOfWork work;
    FakeHandler handler(complete_all);

    const BatchReport report = run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls == Calls{"begin", "park dead", "commit OrderCompleted OrderCompleted"});
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

    CHECK(work.calls == Calls{"begin", "park dead", "commit"});
    CHECK(handler.commits == 0);
}

TEST_CASE("batch: an outcome without events takes no outbox lock") {
    const auto records = test::records_of(std::vector<events::Event>{Story{}.captured()});
    FakeUnitOfWork work;
    FakeHandler handler([](auto, auto&) { return true; });

    run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls == Calls{"begin", "commit"});
}

TEST_CASE("batch: an orphan is put aside with the undecodable, and holds up nothing") {
    const auto records = two_good_one_broken();
    FakeUnitOfWork work;
    FakeHandler handler([](std::span<const kafka::Delivery> batch, outbox::BatchOutput& out) {
        out.orphan(batch[0]);
        return true;
    });

    const auto report = run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls == Calls{"begin", "park orphan dead", "commit"});
    CHECK(report.dead == 1);
    CHECK(report.parked == 1);
}

TEST_CASE("batch: a lost compare-and-set is rolled back and run again from nothing") {
    const auto records = two_good_one_broken();
    FakeUnitOfWork work;
    int attempts = 0;
    FakeHandler handler([&](std::span<const kafka::Delivery> batch, outbox::BatchOutput& out) {
        complete_all(batch, out);
        return ++attempts == 3;
    });

    const auto report = run_batch(work, handler, decode_batch(Service::order, records));

    CHECK(work.calls == Calls{"begin", "rollback", "begin", "rollback", "begin", "park dead",
                              "commit OrderCompleted OrderCompleted"});
    CHECK(handler.commits == 1);
    CHECK(report.lost_races == 2);
    CHECK(report.emitted == 2);
}

TEST_CASE("batch: a compare-and-set that is lost for ever ends in an exception") {
    const auto records = two_good_one_broken();
    FakeUnitOfWork work;
    FakeHandler handler([](auto, auto&) { return false; });

    CHECK_THROWS(run_batch(work, handler, decode_batch(Service::order, records)));

    CHECK(work.calls.back() == "rollback");
    CHECK(std::ranges::count(work.calls, "commit") == 0);
    CHECK(handler.commits == 0);
}

TEST_CASE("batch: a deadlock is a lost compare-and-set, an unavailable database is passed on") {
    const auto records = two_good_one_broken();
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
        CHECK(work.calls == Calls{"begin", "rollback", "begin", "park dead", "commit"});
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
    work.failing = GENERATE("begin", "park", "commit");
    CAPTURE(work.failing);

    CHECK_THROWS_AS(run_batch(work, handler, batch), std::runtime_error);

    CHECK(work.calls.back() == "rollback");
    CHECK(handler.commits == 0);

    work.failing.clear();
    work.calls.clear();
    run_batch(work, handler, batch);
    CHECK(work.calls == Calls{"begin", "park dead", "commit OrderCompleted OrderCompleted"});
    CHECK(handler.commits == 1);
}

}  // namespace orderflow::loops
