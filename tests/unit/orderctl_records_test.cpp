// The topics' records against the ledgers' rows: which record is a row's, and where a row stands.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "kafka/record.hpp"
#include "kafka/topic_layout.hpp"
#include "orderctl/records.hpp"
#include "unit/orderctl_world.hpp"

namespace orderflow::orderctl {
namespace {

using Catch::Matchers::ContainsSubstring;

constexpr std::uint8_t kEverybody = 0xff;

// Ledgers whose records are still to be read.
class Topics {
public:
    World world;

    Topics() {
        for (const auto& settings : events::topics()) {
            TopicFacts& topic = world.facts.topics[world.facts.topic(settings.name)];
            topic.partitions.resize(static_cast<std::size_t>(settings.partitions));
        }
    }
    // The row's record as the relay would send it.
    test::Message emit(const events::Event& event) {
        const LedgerEvent& added = world.emit(event);
        const auto at = static_cast<std::size_t>(&added - world.facts.events.data());
        unsent(at);
        return test::message_of(event, added.id);
    }
    void unsent(std::size_t at) {
        LedgerEvent& event = world.facts.events[at];
        event.copies = 0;
        event.partition = -1;
        event.offset = -1;
        event.arrived = 0;
    }
    int home(const test::Message& message) const { return kafka::partition_of(message.key, 6); }
    void take(const test::Message& message, std::int64_t offset) {
        take(message, home(message), offset);
    }
    void take(const test::Message& message, int partition, std::int64_t offset) {
        kafka::Record record = test::record_of(message, offset);
        record.partition = partition;
        take_record(world.facts, record, kEverybody);
    }
    // The order service has given it up.
    void park(const test::Message& message, int partition, std::int64_t offset, int attempts) {
        ParkedFact& parked = world.facts.parked.emplace_back();
        parked.service = Service::order;
        parked.topic = message.topic;
        parked.partition = partition;
        parked.offset = offset;
        parked.attempts = attempts;
        parked.dead = true;
    }
    std::string i9() { return said(world.check(), "I9"); }
    LedgerEvent& last() { return world.facts.events.back(); }
};

}  // namespace

TEST_CASE("orderctl records: a row's record gives it its place, and is handled where it is") {
    Topics topics;
    const Story story;
    const auto message = topics.emit(story.placed());
    CHECK_THAT(topics.i9(), ContainsSubstring("not in its topic"));
    topics.take(message, 7);
    CHECK(topics.i9() == "");
    CHECK(topics.last().copies == 1);
    CHECK(topics.last().offset == 7);
    CHECK(topics.last().arrived == kEverybody);
}

TEST_CASE("orderctl records: a record with another key, type or value than its row is named") {
    const Story story;
    const auto spoil = {+[](test::Message& m) { m.key = test::new_order_id().to_string(); },
                        +[](test::Message& m) { m.header("ce_type") = "OrderCancelled.v1"; },
                        +[](test::Message& m) { m.value.back() = ' '; }};
    for (const auto change : spoil) {
        Topics topics;
        const auto message = topics.emit(story.placed());
        auto other = message;
        change(other);
        topics.take(message, 7);
        topics.take(other, 8);
        CHECK(topics.last().copies == 1);
        CHECK_THAT(topics.i9(), ContainsSubstring("a record differs from its ledger row"));

        Topics alone;
        auto only = alone.emit(story.placed());
        change(only);
        alone.take(only, 7);
        CHECK(alone.last().arrived == 0);
        CHECK_THAT(alone.i9(), ContainsSubstring("differs from its ledger row") &&
                                   ContainsSubstring("not in its topic"));
    }
}

TEST_CASE("orderctl records: of two headers of one name the first counts, as for the services") {
    Topics topics;
    auto message = topics.emit(Story().placed());
    auto forged = message;
    topics.take(message, 7);
    forged.headers.insert(forged.headers.begin(), {"ce_id", test::new_id<EventId>().to_string()});
    topics.take(forged, 8);
    CHECK(topics.last().copies == 1);
    CHECK_THAT(topics.i9(), ContainsSubstring("in no ledger: OrderPlaced.v1"));
}

TEST_CASE("orderctl records: copies in a partition that is not the key's do not move the place") {
    Topics topics;
    const Story story;
    const auto placed = topics.emit(story.placed());
    const auto completed = topics.emit(story.completed());
    const int elsewhere = (topics.home(placed) + 1) % 6;
    topics.take(completed, elsewhere, 0);  // read before the partition of its key
    topics.take(placed, 10);
    topics.take(completed, 11);
    topics.take(placed, elsewhere, 1);
    topics.take(placed, 12);
    CHECK(topics.i9() == "");
    CHECK(topics.last().copies == 2);
    CHECK(topics.last().offset == 11);
}

TEST_CASE("orderctl records: an event that stands in another partition alone is out of order") {
    Topics topics;
    const Story story;
    const auto placed = topics.emit(story.placed());
    const auto completed = topics.emit(story.completed());
    topics.take(placed, 10);
    topics.take(completed, (topics.home(placed) + 1) % 6, 20);
    CHECK_THAT(topics.i9(), ContainsSubstring("an earlier event is at"));
}

TEST_CASE("orderctl records: a key moves with the partitions that a topic gets, and not back") {
    const auto judge = [](bool forwards) {
        Topics topics;
        Story story;  // whose key leaves its first home for good, and for one of the new ones
        const auto moves = [&] {
            const auto homes = kafka::homes_of(story.id.to_string(), 6, 12);
            return homes.back() >= 6 && std::ranges::count(homes, homes.front()) == 1;
        };
        while (!moves()) story = Story();
        const auto placed = topics.emit(story.placed());
        const auto completed = topics.emit(story.completed());
        for (TopicFacts& topic : topics.world.facts.topics) topic.partitions.resize(12);
        const int before = kafka::partition_of(placed.key, 6);
        const int now = kafka::partition_of(placed.key, 12);
        topics.take(placed, forwards ? before : now, 10);
        topics.take(completed, forwards ? now : before, 3);
        if (forwards) topics.take(placed, now, 4);  // sent again later: it has stood before
        return topics.i9();
    };
    CHECK(judge(true) == "");
    CHECK_THAT(judge(false), ContainsSubstring("an earlier event is at"));
}

TEST_CASE("orderctl records: what nobody can read is no event, whatever became of it") {
    const auto spoil = {+[](test::Message& m) { m.value = "not json"; },
                        +[](test::Message& m) { m.value.clear(); },
                        +[](test::Message& m) { m.header("ce_time") = "yesterday"; },
                        +[](test::Message& m) { m.key = test::new_order_id().to_string(); }};
    enum class Parked { retried, discarded };
    for (const auto change : spoil) {
        for (const auto parked : {Parked::retried, Parked::discarded}) {
            Topics topics;
            const Story story;
            auto forged = test::message_of(story.released());
            change(forged);
            topics.take(forged, 3, 9);
            forged.header("ce_id") = test::new_id<EventId>().to_string();
            topics.take(forged, 3, 10);
            if (parked == Parked::retried) topics.park(forged, 3, 9, 6);
            finish_records(topics.world.facts);
            CHECK(violated(topics.world.check()) == "");
            CHECK(topics.world.check().counts.foreign_records == 2);
        }
    }
}

TEST_CASE("orderctl records: an event that no ledger has stays one, though it is put aside") {
    for (const int attempts : {0, 1, 6}) {
        Topics topics;
        const auto forged = test::message_of(Story().released());
        topics.take(forged, 3, 9);
        topics.park(forged, 3, 9, attempts);
        finish_records(topics.world.facts);
        CHECK_THAT(topics.i9(), ContainsSubstring("in no ledger: StockReleased.v1"));
        CHECK(topics.world.check().counts.foreign_records == 0);
    }
}

TEST_CASE("orderctl records: what retention has taken counts as handled, what is lost does not") {
    Topics topics;
    topics.emit(Story().placed());
    TopicFacts& topic = topics.world.facts.topics[topics.last().topic];
    topic.retention_s = 60;
    topics.world.facts.read_s = topics.last().recorded_s + 59;
    finish_records(topics.world.facts);
    CHECK(topics.last().arrived == 0);
    topics.world.facts.read_s += 1;
    finish_records(topics.world.facts);
    CHECK(topics.last().arrived == 0xff);
}

TEST_CASE("orderctl records: a ledger row with another key than its order's is no legal one") {
    Topics topics;
    const Story story;
    std::string data;
    events::encode(story.placed(), data);
    LedgerLine line;
    line.seq = 1;
    line.id = test::new_id<EventId>();
    line.order = story.id;
    line.topic = "order-events";
    line.key = "another";
    line.type = "OrderPlaced.v1";
    line.data = data;
    fold(topics.world.facts, Service::order, line);
    CHECK_THAT(said(topics.world.check(), "I8"), ContainsSubstring("has another key than"));
}

}  // namespace orderflow::orderctl
