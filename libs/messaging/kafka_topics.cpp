#include <algorithm>
#include <span>

#include "core/pause.hpp"
#include "messaging/kafka.hpp"
#include "messaging/kafka_admin.hpp"
#include "messaging/kafka_positions.hpp"
#include "messaging/rdkafka.hpp"

namespace orderflow::messaging {
namespace {

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroyer<&rd_kafka_NewTopic_destroy>>;
using Handle = std::unique_ptr<rd_kafka_t, Destroyer<&rd_kafka_destroy>>;

using TopicNames = std::unique_ptr<rd_kafka_TopicCollection_t,
                                   Destroyer<&rd_kafka_TopicCollection_destroy>>;
using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<&rd_kafka_AdminOptions_destroy>>;

constexpr int kRequestMs = 5'000;
constexpr int kLookMs = 100;  // how late a stop may be noticed
constexpr int kMetadataMs = 1'000;
constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::milliseconds kLongestPause{5'000};
constexpr int kOneTopicMs = 1'000;  // and as long to see what is there, if it may not make it

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
KafkaEvent next_event(const Queue& queue, const std::stop_token& stop, int patience_ms) {
    for (int waited = 0; waited < patience_ms && !stop.stop_requested(); waited += kLookMs) {
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
                                 const std::stop_token& stop, int patience_ms = kRequestMs) {
    std::vector<rd_kafka_NewTopic_t*> raw;
    for (const auto& topic : topics) raw.push_back(topic.get());
    const Queue queue(rd_kafka_queue_new(handle));
    rd_kafka_CreateTopics(handle, raw.data(), raw.size(), nullptr, queue.get());
    const KafkaEvent event = next_event(queue, stop, patience_ms);
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

Refusal refusal_of(rd_kafka_resp_err_t error) {
    switch (error) {
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
        case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID: return Refusal::gone;
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: return Refusal::too_large;
        case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
        case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT: return Refusal::invalid;
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
        case RD_KAFKA_RESP_ERR__AUTHENTICATION: return Refusal::not_authorised;
        default: return Refusal::other;
    }
}

std::string create_topic(rd_kafka_t* handle, std::string_view name, int replication) {
    for (const auto& settings : events::topics()) {
        if (settings.name != name) continue;
        std::vector<NewTopic> topics;
        topics.push_back(new_topic(settings, replication));
        const auto problems = create(handle, topics, {}, kOneTopicMs);
        return problems.empty() ? "" : problems.front().why;
    }
    return "not in the catalog";
}

TopicQuery::TopicQuery(rd_kafka_t* handle)
    : handle_(handle), answers_(rd_kafka_queue_new(handle)) {}

void TopicQuery::ask(const std::string& topic) {
    if (asked_) return;
    ask_for_layouts(handle_, {topic}, std::chrono::milliseconds{kRequestMs}, answers_.get());
    asked_ = true;
}

std::optional<TopicState> TopicQuery::answer(std::chrono::milliseconds at_most) {
    if (!asked_) return std::nullopt;
    const KafkaEvent event(
        rd_kafka_queue_poll(answers_.get(), static_cast<int>(at_most.count())));
    if (!event) return std::nullopt;
    asked_ = false;
    if (rd_kafka_event_error(event.get())) return std::nullopt;  // no broker could be asked
    std::size_t count = 0;
    const auto** topics = rd_kafka_DescribeTopics_result_topics(
        rd_kafka_event_DescribeTopics_result(event.get()), &count);
    if (count != 1) return std::nullopt;
    const rd_kafka_error_t* error = rd_kafka_TopicDescription_error(topics[0]);
    if (error && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return TopicState{"", refusal_of(rd_kafka_error_code(error)),
                          rd_kafka_error_string(error)};
    }
    return TopicState{text_of(rd_kafka_TopicDescription_topic_id(topics[0])), std::nullopt, ""};
}

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
    for (auto wait = kFirstPause; !stop.stop_requested();
         wait = std::min(wait * 2, kLongestPause)) {
        const auto problems = create(handle.get(), topics, stop);
        if (stop.stop_requested()) break;
        look(problems);
        if (problems.empty()) return true;
        pause(stop, wait);
    }
    return false;
}

}  // namespace orderflow::messaging
