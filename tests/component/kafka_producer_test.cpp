// The relay's producer against a broker that fails on cue: librdkafka's mock cluster.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "kafka/asking_client.hpp"
#include "kafka/consumer.hpp"
#include "kafka/producer.hpp"
#include "kafka/settings.hpp"
#include "kafka/topic_layout.hpp"
#include "outbox/relay.hpp"
#include "support/eventually.hpp"

#include <librdkafka/rdkafka_mock.h>  // behind rdkafka.h

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kTopic = "order-events";
constexpr std::int16_t kProduce = 0;  // the protocol's number of the request

struct Cluster {
    kafka::ClientHandle handle{[] {
        char error[256];
        return rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), error, sizeof error);
    }()};
    std::unique_ptr<rd_kafka_mock_cluster_t, kafka::Destroyer<&rd_kafka_mock_cluster_destroy>>
        brokers{rd_kafka_mock_cluster_new(handle.get(), 1)};

    explicit Cluster(int partitions = 1) {
        rd_kafka_mock_topic_create(brokers.get(), kTopic, partitions, 1);
    }

    kafka::Settings settings() const {
        return {rd_kafka_mock_cluster_bootstraps(brokers.get()), "test", "test"};
    }
    // The next answer to a produce request, after so long.
    void answer(rd_kafka_resp_err_t error, std::chrono::milliseconds after) {
        rd_kafka_mock_broker_push_request_error_rtts(brokers.get(), 1, kProduce, 1, error,
                                                     static_cast<int>(after.count()));
    }
    struct Stored {
        std::string value;
        std::optional<std::string> key;
        std::int32_t partition = 0;
        std::string subject;
    };
    std::vector<Stored> records() {
        kafka::Consumer consumer(settings(), {kTopic});
        Gathering gathering;
        std::vector<Stored> all;
        for (int quiet = 0; quiet < 3;) {
            const auto polled = consumer.poll(gathering, 500ms);
            quiet = polled.empty() && consumer.joined() ? quiet + 1 : 0;
            for (const auto& record : polled) {
                all.push_back({std::string(record.value), std::nullopt, record.partition,
                               std::string(record.header("ce_subject"))});
                if (record.key) all.back().key.emplace(*record.key);
            }
        }
        consumer.close();
        return all;
    }
    // How often each event stands in the topic.
    std::map<std::string, int> stored() {
        std::map<std::string, int> times;
        for (const Stored& record : records()) ++times[record.value];
        return times;
    }
};

outbox::LedgerRow row(std::int64_t seq) {
    static IdSource ids;
    outbox::LedgerRow row;
    row.seq = seq;
    row.event_id = ids.next<EventId>(system_now());
    row.topic = kTopic;
    row.key = "one";
    row.type = "OrderPlaced.v1";
    row.headers = "{}";
    row.data = std::to_string(seq);
    return row;
}

}  // namespace

// A broker takes any first sequence number of a producer that it does not know. If it refused the
// producer's first batch, since it did not lead the partition yet, and took a second one that was
// under way, then librdkafka would report both as persisted.
TEST_CASE("producer: a first batch that is refused for a moment is not overtaken and forgotten") {
    Cluster cluster;
    const auto producer = kafka::make_producer(cluster.settings(), events::Service::order);
    cluster.answer(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 400ms);
    REQUIRE(producer->produce(row(1), 1));
    std::this_thread::sleep_for(200ms);  // it is under way, and alone in its batch
    REQUIRE(producer->produce(row(2), 2));

    std::size_t persisted = 0;
    CHECK(eventually(20s, [&] {
        for (const auto& report : producer->reports()) persisted += report.persisted ? 1 : 0;
        return persisted == 2;
    }));
    CHECK(cluster.stored() == std::map<std::string, int>{{"1", 1}, {"2", 1}});
}

// What waits for the batch before it is no reason to look again and again.
TEST_CASE("producer: nothing runs while a batch is under way and more events wait") {
    Cluster cluster;
    const auto producer = kafka::make_producer(cluster.settings(), events::Service::order);
    cluster.answer(RD_KAFKA_RESP_ERR_NO_ERROR, 800ms);
    REQUIRE(producer->produce(row(1), 1));
    std::this_thread::sleep_for(200ms);
    REQUIRE(producer->produce(row(2), 2));
    std::this_thread::sleep_for(50ms);
    const std::clock_t begun = std::clock();  // the process's CPU
    std::this_thread::sleep_for(400ms);
    CHECK(static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC < 0.1);
    std::size_t reported = 0;
    CHECK(eventually(20s, [&] {
        reported += producer->reports().size();
        return reported == 2;
    }));
}

// librdkafka would send an empty key to one partition, and keep those without one together for 10
// ms.
TEST_CASE("producer: an event without a key has none, and its id decides on the partition") {
    constexpr std::int32_t kPartitions = 5;
    constexpr int kEvents = 40;
    Cluster cluster(kPartitions);
    std::map<std::string, std::int32_t> expected;
    for (int sent = 0; sent < 2; ++sent) {  // by another producer, as after a restart
        const auto producer = kafka::make_producer(cluster.settings(), events::Service::order);
        for (std::int64_t seq = 1; seq <= kEvents; ++seq) {
            outbox::LedgerRow event = row(seq);
            event.key.reset();
            std::fill(event.event_id.bytes.begin(), event.event_id.bytes.end(),
                      static_cast<std::uint8_t>(seq));
            expected[event.data] = kafka::partition_of(event.event_id.to_string(), kPartitions);
            while (!producer->produce(event, static_cast<std::uint64_t>(seq))) {
                std::this_thread::sleep_for(10ms);
            }
        }
        producer->flush(10s);
    }

    const auto stored = cluster.records();

    CHECK(stored.size() == 2 * kEvents);
    std::set<std::int32_t> used;
    for (const auto& record : stored) {
        CHECK_FALSE(record.key);
        CHECK(record.subject.empty());
        CHECK(record.partition == expected[record.value]);
        used.insert(record.partition);
    }
    CHECK(used.size() == kPartitions);
}

}  // namespace orderflow::test
