#include <algorithm>
#include <set>
#include <span>

#include "core/pause.hpp"
#include "kafka/consumer.hpp"
#include "kafka/producer.hpp"
#include "kafka/settings.hpp"
#include "kafka/topics.hpp"
#include "kafka/admin.hpp"
#include "kafka/asking_client.hpp"
#include "kafka/topic_reading.hpp"
#include "kafka/rdkafka.hpp"

namespace orderflow::kafka {
namespace {

constexpr int kRequestMs = 5'000;
constexpr int kLookMs = 100;  // how late a stop may be noticed
constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::milliseconds kLongestPause{2'000};

// Waits for the next event of `queue` in short steps, so that a stop ends the wait.
ClientEvent next_event(const Queue& queue, const std::stop_token& stop, int patience_ms) {
    for (int waited = 0; waited < patience_ms && !stop.stop_requested(); waited += kLookMs) {
        if (ClientEvent event{rd_kafka_queue_poll(queue.get(), kLookMs)}) return event;
    }
    return nullptr;
}

// Returns the problems of these topics; none if all topics exist.
std::vector<TopicProblem> look_for(rd_kafka_t* handle, const std::vector<std::string>& topics,
                                   const std::stop_token& stop) {
    const Queue queue(rd_kafka_queue_new(handle));
    ask_for_layouts(handle, topics, std::chrono::milliseconds{kRequestMs}, queue.get());
    const ClientEvent event = next_event(queue, stop, kRequestMs);
    if (!event) return {{"", "no answer"}};
    if (rd_kafka_event_error(event.get())) return {{"", rd_kafka_event_error_string(event.get())}};
    std::size_t count = 0;
    const auto** answers = rd_kafka_DescribeTopics_result_topics(
        rd_kafka_event_DescribeTopics_result(event.get()), &count);
    std::vector<TopicProblem> problems;
    for (std::size_t i = 0; i < count; ++i) {
        const rd_kafka_error_t* error = rd_kafka_TopicDescription_error(answers[i]);
        const auto code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        std::string why = rd_kafka_error_string(error);
        if (refusal_of(code) == Refusal::gone) why += " (orderctl topics apply creates it)";
        problems.push_back({rd_kafka_TopicDescription_name(answers[i]), std::move(why)});
    }
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

TopicQuery::TopicQuery(rd_kafka_t* handle)
    : handle_(handle), answers_(rd_kafka_queue_new(handle)) {}

void TopicQuery::ask(const std::string& topic) {
    if (asked_) return;
    ask_for_layouts(handle_, {topic}, std::chrono::milliseconds{kRequestMs}, answers_.get());
    asked_ = true;
}

std::optional<TopicState> TopicQuery::answer(std::chrono::milliseconds at_most) {
    if (!asked_) return std::nullopt;
    const ClientEvent event(rd_kafka_queue_poll(answers_.get(), static_cast<int>(at_most.count())));
    if (!event) return std::nullopt;
    asked_ = false;
    if (rd_kafka_event_error(event.get())) return std::nullopt;  // no broker is available
    std::size_t count = 0;
    const auto** topics = rd_kafka_DescribeTopics_result_topics(
        rd_kafka_event_DescribeTopics_result(event.get()), &count);
    if (count != 1) return std::nullopt;
    const rd_kafka_error_t* error = rd_kafka_TopicDescription_error(topics[0]);
    if (error && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return TopicState{"", 0, refusal_of(rd_kafka_error_code(error)),
                          rd_kafka_error_string(error)};
    }
    std::size_t partitions = 0;
    rd_kafka_TopicDescription_partitions(topics[0], &partitions);
    return TopicState{text_of(rd_kafka_TopicDescription_topic_id(topics[0])),
                      static_cast<std::int32_t>(partitions), std::nullopt, ""};
}

bool await_topics(const Settings& settings, events::Service service, const std::stop_token& stop,
                  const std::function<void(std::span<const TopicProblem>)>& look) {
    const ClientHandle handle = make_asking_client(settings);
    std::set<std::string> wanted;
    for (const auto topic : events::topics_consumed_by(service)) wanted.emplace(topic);
    for (const auto& topic : events::topics()) {
        if (topic.producers & events::bit(service)) wanted.emplace(topic.name);
    }
    const std::vector<std::string> topics(wanted.begin(), wanted.end());
    for (auto wait = kFirstPause; !stop.stop_requested();
         wait = std::min(wait * 2, kLongestPause)) {
        const auto problems = look_for(handle.get(), topics, stop);
        if (stop.stop_requested()) break;
        look(problems);
        if (problems.empty()) return true;
        pause(stop, wait);
    }
    return false;
}

}  // namespace orderflow::kafka
