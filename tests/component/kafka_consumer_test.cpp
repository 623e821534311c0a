// A member of a consumer group on a real Kafka, while its topic loses records, ends with markers,
// gets partitions, or is deleted and made anew: it reads everything that is there, and what is
// committed is where it is.

#include <atomic>
#include <set>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "kafka/asking_client.hpp"
#include "kafka/consumer.hpp"
#include "kafka/group_positions.hpp"
#include "kafka/positions.hpp"
#include "kafka/rdkafka.hpp"
#include "kafka/record.hpp"
#include "kafka/settings.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/own_topic.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using kafka::Consumer;
using kafka::PartitionPosition;

// A group with at most one member, on a topic of the test's own.
struct Group {
    explicit Group(int partitions) : topic(partitions) {}

    void start() { member = std::make_unique<kafka::Consumer>(settings, topics()); }
    void stop() {
        member->close();
        member.reset();
    }
    std::vector<std::string> topics() const { return {topic.name()}; }

    // Reads what comes and is done with it at once; true once `enough`.
    template <class Enough>
    bool read_until(Enough enough) {
        Gathering gathering;
        return eventually(60s, [&] {
            const auto records = member->poll(gathering, 100ms);
            for (const auto& record : records) read.insert({record.partition, record.offset});
            member->processed(records);
            return enough();
        });
    }
    bool read_until_caught_up() {
        return read_until([&] { return is_caught_up(); });
    }
    bool is_caught_up() {
        const auto all = positions();
        return !all.empty() && std::ranges::all_of(all, &PartitionPosition::caught_up);
    }
    std::vector<PartitionPosition> positions() {
        return kafka::read_group(asking.get(), settings.group_id, topics(), 10s).partitions;
    }
    std::size_t read_of(int partition) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            read, [&](const auto& place) { return place.first == partition; }));
    }

    OwnTopic topic;
    kafka::Settings settings = fresh_kafka();
    kafka::ClientHandle asking = kafka::make_asking_client(settings);
    std::set<std::pair<int, std::int64_t>> read;  // partition, offset
    std::unique_ptr<kafka::Consumer> member;
};

}  // namespace

TEST_CASE("kafka consumer: a partition that ends with markers is read and committed to its end") {
    Group group(2);
    group.topic.send_in_transaction(0, 3);
    group.start();

    CHECK(group.read_until_caught_up());
    CHECK(group.read_of(0) == 3);
    CHECK(group.topic.end(0) == 4);  // and so is the marker
    group.topic.send_in_transaction(1, 1);
    CHECK(group.read_until([&] { return group.is_caught_up() && group.read_of(1) == 1; }));
}

TEST_CASE("kafka consumer: one that leaves as soon as it has read commits what it has done") {
    Group group(2);
    group.topic.send(0, 3);
    group.start();
    Gathering gathering;
    auto records = group.member->poll(gathering, 30s);  // joins, is given both and reads
    REQUIRE(records.size() == 3);
    group.member->processed(records);
    records.clear();  // librdkafka waits for them
    group.stop();
    CHECK(group.positions().front().committed == 3);
}

TEST_CASE("kafka consumer: records that can wait do so until one comes that cannot") {
    Group group(2);
    group.topic.send(0, 3);
    std::atomic<int> waiting = 0;
    const auto can_wait = [&](const kafka::Record& record) {
        ++waiting;
        return record.partition == 0;
    };
    kafka::Consumer member(group.settings, {group.topic.name()}, {}, can_wait);
    const std::jthread other([&](const std::stop_token& stop) {
        while (waiting < 3 && !stop.stop_requested()) std::this_thread::sleep_for(10ms);
        group.topic.send(1, 1);
    });
    Gathering gathering({.gather_rate = 0, .can_wait_time = 30s});
    const auto begun = std::chrono::steady_clock::now();
    auto records = member.poll(gathering, 20s);
    CHECK(records.size() == 4);
    CHECK(std::chrono::steady_clock::now() - begun < 20s);
    records.clear();  // librdkafka waits for them
    member.close();
}

TEST_CASE("kafka consumer: it knows how far it is behind in each of its partitions") {
    Group group(1);
    group.topic.send(0, 30);
    kafka::Consumer member(group.settings, {group.topic.name()});
    Gathering gathering({.max_records = 10});
    std::vector<kafka::Record> records;
    REQUIRE(eventually(20s, [&] {
        records = member.poll(gathering, 500ms);
        return !records.empty();
    }));
    member.processed(records);
    const auto lags = member.lags();
    REQUIRE(lags.size() == 1);
    CHECK(lags[0].end == 30);
    CHECK(lags[0].lag == 30 - static_cast<std::int64_t>(records.size()));

    CHECK(eventually(20s, [&] {
        member.processed(member.poll(gathering, 500ms));
        return member.lags().at(0).lag == 0;
    }));
    CHECK(member.answers() > 0);
    member.close();
    CHECK(kafka::Consumer(group.settings, {group.topic.name()}).lags().empty());
}

TEST_CASE("kafka consumer: behind an open transaction lies a lag, until it is committed") {
    Group group(1);
    group.topic.send(0, 2);
    group.topic.begin_transaction(0, 3);
    group.start();

    CHECK(group.read_until([&] {
        return group.read_of(0) == 2 && !group.is_caught_up() &&
               group.positions().front().nothing_left();
    }));
    CHECK(group.positions().front().held_up());
    CHECK(group.positions().front().lag() == 3);
    group.topic.commit_transaction();
    CHECK(group.read_until_caught_up());
    CHECK(group.read_of(0) == 5);
}

TEST_CASE("kafka consumer: where records were deleted unread it commits the log's start") {
    Group group(1);
    group.topic.send(0, 5);
    group.start();
    REQUIRE(group.read_until_caught_up());
    group.stop();
    group.topic.send(0, 7);
    group.topic.delete_records(0);
    CHECK(group.positions().front().start == 12);
    CHECK(group.positions().front().lag() == 0);

    group.start();
    CHECK(group.read_until([&] { return group.positions().front().committed == 12; }));
    group.topic.send(0, 1);
    CHECK(group.read_until([&] { return group.read.contains({0, 12}); }));
}

TEST_CASE("kafka consumer: partitions that are added are read within seconds") {
    Group group(2);
    group.topic.send(0, 1);
    group.start();
    REQUIRE(group.read_until_caught_up());

    group.topic.grow(7);
    for (int i = 0; i < 7; ++i) group.topic.send(i, 2);
    const auto begun = std::chrono::steady_clock::now();
    CHECK(group.read_until([&] { return group.read.size() == 15; }));
    CHECK(std::chrono::steady_clock::now() - begun < 20s);
    CHECK(group.read_until_caught_up());
}

TEST_CASE("kafka consumer: a topic made anew while the member runs is read from its start") {
    Group group(3);
    for (int i = 0; i < 3; ++i) group.topic.send(i, 50);
    group.start();
    REQUIRE(group.read_until_caught_up());
    group.read.clear();

    group.topic.remove();
    group.topic.create(3);
    for (int i = 0; i < 3; ++i) group.topic.send(i, 90);  // more than were read of the other one

    CHECK(group.read_until([&] { return group.read.size() == 270; }));
    CHECK(group.read_until_caught_up());
    for (const auto& at : group.positions()) {
        CHECK_FALSE(at.committed_elsewhere());
        CHECK(at.committed == 90);
    }
}

TEST_CASE(
    "kafka consumer: a topic made anew while nobody runs is read from its start, though the "
    "group's offset would fit") {
    Group group(1);
    group.topic.send(0, 40);
    group.start();
    REQUIRE(group.read_until_caught_up());
    const std::string old_log = group.positions().front().committed_log;
    REQUIRE_FALSE(old_log.empty());
    group.stop();
    group.read.clear();
    group.topic.remove();
    group.topic.create(1);
    group.topic.send(0, 100);
    {  // Kafka forgets a deleted topic's offsets; one that was committed late stays.
        const kafka::ClientHandle handle = kafka::make_asking_client(group.settings);
        const kafka::Topics list(rd_kafka_topic_partition_list_new(1));
        auto* at = rd_kafka_topic_partition_list_add(list.get(), group.topic.name().c_str(), 0);
        at->offset = 40;
        at->metadata = ::strdup(old_log.c_str());
        at->metadata_size = old_log.size();
        auto* alter =
            rd_kafka_AlterConsumerGroupOffsets_new(group.settings.group_id.c_str(), list.get());
        const kafka::Queue queue(rd_kafka_queue_new(handle.get()));
        rd_kafka_AlterConsumerGroupOffsets(handle.get(), &alter, 1, nullptr, queue.get());
        rd_kafka_AlterConsumerGroupOffsets_destroy(alter);
        const kafka::ClientEvent answer(rd_kafka_queue_poll(queue.get(), 20'000));
        REQUIRE(answer);
        REQUIRE_FALSE(rd_kafka_event_error(answer.get()));
    }
    REQUIRE(group.positions().front().committed == 40);
    CHECK(group.positions().front().committed_elsewhere());
    CHECK(group.positions().front().lag() == 100);

    group.start();
    CHECK(group.read_until([&] { return group.read.size() == 100; }));
    CHECK(group.read_until_caught_up());
    CHECK_FALSE(group.positions().front().committed_elsewhere());
}

}  // namespace orderflow::test
