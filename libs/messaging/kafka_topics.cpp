#include <algorithm>
#include <thread>

#include "messaging/kafka.hpp"
#include "messaging/rdkafka.hpp"

namespace orderflow::messaging {
namespace {

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroyer<&rd_kafka_NewTopic_destroy>>;
using Handle = std::unique_ptr<rd_kafka_t, Destroyer<&rd_kafka_destroy>>;

constexpr int kRequestMs = 5'000;

NewTopic new_topic(const events::TopicSettings& settings, int replication) {
    char error[256];
    NewTopic topic(rd_kafka_NewTopic_new(std::string(settings.name).c_str(), settings.partitions,
                                         replication, error, sizeof error));
    if (!topic) throw std::runtime_error(error);
    rd_kafka_NewTopic_set_config(topic.get(), "retention.ms",
                                 std::to_string(settings.retention_ms).c_str());
    rd_kafka_NewTopic_set_config(topic.get(), "max.message.bytes",
                                 std::to_string(settings.max_message_bytes).c_str());
    return topic;
}

// Empty when every topic exists now; otherwise why not.
std::string create(rd_kafka_t* handle, std::vector<NewTopic>& topics) {
    std::vector<rd_kafka_NewTopic_t*> raw;
    for (const auto& topic : topics) raw.push_back(topic.get());
    const Queue queue(rd_kafka_queue_new(handle));
    rd_kafka_CreateTopics(handle, raw.data(), raw.size(), nullptr, queue.get());
    const KafkaEvent event(rd_kafka_queue_poll(queue.get(), kRequestMs));
    if (!event) return "no answer";
    if (rd_kafka_event_error(event.get())) return rd_kafka_event_error_string(event.get());
    std::size_t count = 0;
    const auto* result = rd_kafka_event_CreateTopics_result(event.get());
    const auto** answers = rd_kafka_CreateTopics_result_topics(result, &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto err = rd_kafka_topic_result_error(answers[i]);
        if (err && err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return rd_kafka_err2str(err);
    }
    return {};
}

}  // namespace

void ensure_topics(const KafkaSettings& settings, events::Service service, int replication,
                   std::chrono::seconds patience) {
    Conf conf = base_conf(settings.brokers, settings.client_id + "-admin");
    char error[256];
    const Handle handle(rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), error, sizeof error));
    if (!handle) throw std::runtime_error(error);
    conf.release();  // owned by the handle now

    const auto consumed = events::topics_consumed_by(service);
    std::vector<NewTopic> topics;
    for (const auto& topic : events::topics()) {
        const bool is_consumed = std::ranges::find(consumed, topic.name) != consumed.end();
        if ((topic.producers & events::bit(service)) || is_consumed) {
            topics.push_back(new_topic(topic, replication));
        }
    }
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const std::string problem = create(handle.get(), topics);
        if (problem.empty()) return;
        if (std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error("cannot create topics: " + problem);
        }
        spdlog::info("waiting for Kafka: {}", problem);
        std::this_thread::sleep_for(std::chrono::milliseconds{300});
    }
}

}  // namespace orderflow::messaging
