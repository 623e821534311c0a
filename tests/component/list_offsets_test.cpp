// What librdkafka needs a patch for (deploy/librdkafka/list-offsets-race.patch): asking where
// partitions end while metadata comes in. Unpatched, the process dies in two of three runs.

#include <atomic>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "kafka/asking_client.hpp"
#include "kafka/rdkafka.hpp"
#include "support/kafka.hpp"
#include "support/own_topic.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// The partition that is not there makes librdkafka wait for metadata, and the other thread's comes.
bool ask_for_ends(rd_kafka_t* handle, const std::string& topic) {
    const kafka::Topics asked(rd_kafka_topic_partition_list_new(2));
    for (const int partition : {0, 1}) {
        rd_kafka_topic_partition_list_add(asked.get(), topic.c_str(), partition)->offset =
            RD_KAFKA_OFFSET_SPEC_LATEST;
    }
    const kafka::Queue queue(rd_kafka_queue_new(handle));
    rd_kafka_ListOffsets(handle, asked.get(), nullptr, queue.get());
    const kafka::ClientEvent answer(rd_kafka_queue_poll(queue.get(), 10'000));
    return answer && !rd_kafka_event_error(answer.get());
}

void ask_for_metadata(rd_kafka_t* handle) {
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(handle, 1, nullptr, &metadata, 1'000)) return;
    rd_kafka_metadata_destroy(metadata);
}

}  // namespace

TEST_CASE("librdkafka: offsets are asked for while metadata comes in") {
    OwnTopic topic(1);
    const kafka::ClientHandle handle = kafka::make_asking_client(fresh_kafka());
    std::atomic<bool> over = false;
    std::jthread metadata([&] {
        while (!over) ask_for_metadata(handle.get());
    });

    bool answered = true;
    for (const auto until = steady_clock::now() + 5s; steady_clock::now() < until;) {
        answered = ask_for_ends(handle.get(), topic.name()) && answered;
    }
    over = true;
    CHECK(answered);
}

}  // namespace orderflow::test
