#include <algorithm>
#include <span>

#include "core/pause.hpp"
#include "messaging/kafka.hpp"
#include "messaging/rdkafka.hpp"

namespace orderflow::messaging {
namespace {

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroyer<&rd_kafka_NewTopic_destroy>>;
using Handle = std::unique_ptr<rd_kafka_t, Destroyer<&rd_kafka_destroy>>;

constexpr int kRequestMs = 5'000;
constexpr int kLookMs = 100;  // how late a stop may be noticed
constexpr int kMetadataMs = 1'000;
constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::milliseconds kLongestPause{5'000};

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

// What waits on the thread that polls `queue`, in short steps, so that a stop ends it.
KafkaEvent next_event(const Queue& queue, const std::stop_token& stop) {
    for (int waited = 0; waited < kRequestMs && !stop.stop_requested(); waited += kLookMs) {
        if (KafkaEvent event{rd_kafka_queue_poll(queue.get(), kLookMs)}) return event;
    }
    return nullptr;
}

// Who may not create topics may still use those that others have created.
void leave_out_existing(rd_kafka_t* handle, std::vector<TopicProblem>& problems) {
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(handle, 1, nullptr, &metadata, kMetadataMs)) return;
    const std::unique_ptr<const rd_kafka_metadata_t, Destroyer<&rd_kafka_metadata_destroy>> owner(
        metadata);
    for (int i = 0; i < metadata->topic_cnt; ++i) {
        const auto& topic = metadata->topics[i];
        if (topic.err) continue;
        std::erase_if(problems, [&](const auto& problem) { return problem.topic == topic.topic; });
    }
}

// What is missing after a try; nothing when every topic exists now.
std::vector<TopicProblem> create(rd_kafka_t* handle, std::vector<NewTopic>& topics,
                                 const std::stop_token& stop) {
    std::vector<rd_kafka_NewTopic_t*> raw;
    for (const auto& topic : topics) raw.push_back(topic.get());
    const Queue queue(rd_kafka_queue_new(handle));
    rd_kafka_CreateTopics(handle, raw.data(), raw.size(), nullptr, queue.get());
    const KafkaEvent event = next_event(queue, stop);
    if (!event) return {{"", "no answer"}};
    if (rd_kafka_event_error(event.get())) return {{"", rd_kafka_event_error_string(event.get())}};
    std::vector<TopicProblem> problems;
    std::size_t count = 0;
    const auto* result = rd_kafka_event_CreateTopics_result(event.get());
    const auto** answers = rd_kafka_CreateTopics_result_topics(result, &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto err = rd_kafka_topic_result_error(answers[i]);
        if (!err || err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
        const char* text = rd_kafka_topic_result_error_string(answers[i]);
        problems.push_back(
            {rd_kafka_topic_result_name(answers[i]), text ? text : rd_kafka_err2str(err)});
    }
    if (!problems.empty()) leave_out_existing(handle, problems);
    return problems;
}

}  // namespace

bool ensure_topics(const KafkaSettings& settings, events::Service service, int replication,
                   const std::stop_token& stop,
                   const std::function<void(std::span<const TopicProblem>)>& look) {
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
    for (auto wait = kFirstPause; !stop.stop_requested(); wait = std::min(wait * 2, kLongestPause)) {
        const auto problems = create(handle.get(), topics, stop);
        if (stop.stop_requested()) break;
        look(problems);
        if (problems.empty()) return true;
        pause(stop, wait);
    }
    return false;
}

}  // namespace orderflow::messaging
