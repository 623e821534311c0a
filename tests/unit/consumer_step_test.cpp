// The consumer's step over a source of records in memory: what is in hand when something fails, and
// when the source is told that records are done.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "kafka/delivery.hpp"
#include "kafka/record.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/fakes.hpp"

namespace orderflow::loops {
namespace {

using namespace std::chrono_literals;
using events::Event;
using events::Service;
using test::FakeHandler;
using test::FakeUnitOfWork;
using test::Story;
using Calls = std::vector<std::string>;

// Gives out batches that the test lays in; writes what it is told into the transaction's list of
// calls, so that the order of both can be seen.
class FakeSource final : public kafka::RecordSource {
public:
    explicit FakeSource(Calls& calls) : calls_(calls) {}

    std::vector<kafka::Record> poll(Gathering&, std::chrono::milliseconds idle) override {
        ++polls;
        last_idle = idle;
        if (broken) throw std::runtime_error("broken client");
        if (batches.empty()) return {};
        std::vector<kafka::Record> batch = std::move(batches.front());
        batches.erase(batches.begin());
        return batch;
    }
    void processed(const std::vector<kafka::Record>& records) override {
        for (const kafka::Record& record : records) {
            calls_.push_back("processed " + std::string(record.key.value()));
        }
    }
    bool hold(std::chrono::milliseconds, std::stop_token) override { return true; }
    void close() override {}

    std::vector<std::vector<kafka::Record>> batches;
    int polls = 0;
    std::chrono::milliseconds last_idle{};
    bool broken = false;

private:
    Calls& calls_;
};

struct Fixture {
    FakeUnitOfWork work;
    FakeSource source{work.calls};
    Calls handled;  // orders
    FakeHandler handler{[this](std::span<const kafka::Delivery> batch, outbox::BatchOutput& out) {
        if (failing) throw postgres::DatabaseError("gone", "08006", true);
        for (const kafka::Delivery& delivery : batch) {
            handled.push_back(delivery.order_id()->to_string());
            Story story;
            story.id = *delivery.order_id();
            out.emit(story.completed(), "");
        }
        return true;
    }};
    bool failing = false;
    ConsumerStep consumer{Service::order, source, work, handler, {}};
};

std::string id_of(const Story& story) { return story.id.to_string(); }

}  // namespace

TEST_CASE("consumer step: records are done only after the commit, those skipped by type too") {
    Fixture f;
    const Story story;
    f.source.batches = {test::records_of(std::vector<Event>{story.scheduled(), story.placed()})};

    REQUIRE(f.consumer.poll(500ms));
    CHECK(f.work.calls.empty());
    const BatchReport report = f.consumer.handle();

    CHECK(f.source.last_idle == 500ms);
    CHECK(report.deliveries == 1);
    CHECK(report.skipped == 1);
    CHECK(f.work.calls == Calls{"begin", "commit OrderCompleted", "processed " + id_of(story),
                                "processed " + id_of(story)});
}

TEST_CASE("consumer step: when nothing came nothing is in hand") {
    Fixture f;
    CHECK_FALSE(f.consumer.poll(0ms));
    CHECK(f.work.calls.empty());
}

TEST_CASE("consumer step: each batch is handled once, in the order in which it was polled") {
    Fixture f;
    const Story a, b;
    f.source.batches = {test::records_of(std::vector<Event>{a.scheduled()}),
                        test::records_of(std::vector<Event>{b.scheduled()})};

    for (int batch = 0; batch < 2; ++batch) {
        REQUIRE(f.consumer.poll(0ms));
        f.consumer.handle();
    }
    CHECK_FALSE(f.consumer.poll(0ms));

    CHECK(f.handled == Calls{id_of(a), id_of(b)});
    CHECK(f.source.polls == 3);
}

TEST_CASE("consumer step: what failed is still in hand and is handled without a poll") {
    Fixture f;
    const Story a, b;
    f.source.batches = {test::records_of(std::vector<Event>{a.scheduled(), b.refused()})};
    REQUIRE(f.consumer.poll(0ms));

    f.failing = true;
    for (int i = 0; i < 3; ++i) CHECK_THROWS_AS(f.consumer.handle(), postgres::DatabaseError);
    CHECK(f.handled.empty());
    CHECK(std::ranges::count(f.work.calls, "commit") == 0);
    CHECK(f.work.calls.back() == "rollback");

    f.failing = false;
    f.work.calls.clear();
    f.consumer.handle();
    CHECK(f.handled == Calls{id_of(a), id_of(b)});
    CHECK(f.work.calls == Calls{"begin", "commit OrderCompleted OrderCompleted",
                                "processed " + id_of(a), "processed " + id_of(b)});
    CHECK(f.source.polls == 1);
}

TEST_CASE("consumer step: wherever the transaction fails, nothing is marked as processed") {
    Fixture f;
    const Story story;
    f.source.batches = {test::records_of(std::vector<Event>{story.scheduled()})};
    REQUIRE(f.consumer.poll(0ms));
    f.work.failing = GENERATE("begin", "commit");
    CAPTURE(f.work.failing);

    CHECK_THROWS(f.consumer.handle());

    CHECK(std::ranges::count(f.work.calls, "processed " + id_of(story)) == 0);
    f.work.failing.clear();
    f.consumer.handle();
    CHECK(std::ranges::count(f.work.calls, "processed " + id_of(story)) == 1);
}

TEST_CASE("consumer step: what was dropped is neither handled nor processed, and may come again") {
    Fixture f;
    const Story lost, next;
    f.source.batches = {test::records_of(std::vector<Event>{lost.scheduled()}),
                        test::records_of(std::vector<Event>{next.scheduled()})};
    REQUIRE(f.consumer.poll(0ms));
    f.failing = true;
    CHECK_THROWS(f.consumer.handle());
    f.failing = false;

    f.consumer.drop();
    f.work.calls.clear();
    f.consumer.handle();  // nothing is in hand
    CHECK(f.work.calls.empty());
    CHECK(f.handled.empty());

    REQUIRE(f.consumer.poll(0ms));
    f.consumer.handle();
    CHECK(f.handled == Calls{id_of(next)});
    CHECK(f.work.calls.back() == "processed " + id_of(next));
}

TEST_CASE("consumer step: undecodable records are put aside and then done") {
    Fixture f;
    const Story story;
    test::Message broken = test::message_of(story.captured());
    broken.value = "{";
    f.source.batches = {test::records_of(std::vector{broken})};
    REQUIRE(f.consumer.poll(0ms));

    CHECK(f.consumer.handle().dead == 1);

    CHECK(f.work.calls == Calls{"begin", "park dead", "commit", "processed " + id_of(story)});
}

TEST_CASE("consumer step: a broken client is told on and leaves nothing in hand") {
    Fixture f;
    f.source.broken = true;
    CHECK_THROWS_AS(f.consumer.poll(0ms), std::runtime_error);
    f.consumer.handle();
    CHECK(f.work.calls.empty());
}

}  // namespace orderflow::loops
