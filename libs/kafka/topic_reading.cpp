#include "kafka/topic_reading.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "kafka/admin_request.hpp"
#include "kafka/asking_client.hpp"

namespace orderflow::kafka {

using std::chrono::milliseconds;

using Collection =
    std::unique_ptr<rd_kafka_TopicCollection_t, Destroyer<&rd_kafka_TopicCollection_destroy>>;

// librdkafka's own base64 needs a build with OpenSSL.
std::string text_of(const rd_kafka_Uuid_t* id) {
    if (!id) return {};
    const auto high = static_cast<std::uint64_t>(rd_kafka_Uuid_most_significant_bits(id));
    const auto low = static_cast<std::uint64_t>(rd_kafka_Uuid_least_significant_bits(id));
    if (high == 0 && low == 0) return {};
    char text[33];
    std::snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, high, low);
    return text;
}

void ask_for_layouts(rd_kafka_t* handle, const std::vector<std::string>& topics,
                     milliseconds at_most, rd_kafka_queue_t* queue) {
    std::vector<const char*> names;
    for (const std::string& topic : topics) names.push_back(topic.c_str());
    const Collection collection(
        rd_kafka_TopicCollection_of_topic_names(names.data(), names.size()));
    const Options options = options_for(handle, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, at_most);
    rd_kafka_DescribeTopics(handle, collection.get(), options.get(), queue);
}

std::optional<TopicLayouts> layouts_in(rd_kafka_event_t* event) {
    if (rd_kafka_event_error(event)) return std::nullopt;
    const auto* result = rd_kafka_event_DescribeTopics_result(event);
    if (!result) return std::nullopt;
    std::size_t count = 0;
    const auto** topics = rd_kafka_DescribeTopics_result_topics(result, &count);
    TopicLayouts layouts;
    for (std::size_t i = 0; i < count; ++i) {
        if (const auto* failed = rd_kafka_TopicDescription_error(topics[i])) {
            if (rd_kafka_error_code(failed)) continue;
        }
        std::size_t partitions = 0;
        rd_kafka_TopicDescription_partitions(topics[i], &partitions);
        layouts[rd_kafka_TopicDescription_name(topics[i])] = {
            text_of(rd_kafka_TopicDescription_topic_id(topics[i])),
            static_cast<std::int32_t>(partitions)};
    }
    return layouts;
}

static ClientEvent answer_about(rd_kafka_t* handle, const std::vector<std::string>& topics,
                                const TimeLeft& left) {
    const Queue queue(rd_kafka_queue_new(handle));
    ask_for_layouts(handle, topics, left.ms(), queue.get());
    return taken_from(queue, left, "topics");
}

TopicLayouts read_layouts(rd_kafka_t* handle, const std::vector<std::string>& topics,
                          milliseconds at_most, const std::stop_token& stop) {
    const TimeLeft left(at_most, stop);
    const ClientEvent event = answer_about(handle, topics, left);
    auto layouts = layouts_in(event.get());
    if (!layouts) throw NoAnswer("no answer to a request for topics");
    return std::move(*layouts);
}

static TopicDescription described(const rd_kafka_TopicDescription_t* topic) {
    TopicDescription description;
    const auto* failed = rd_kafka_TopicDescription_error(topic);
    if (failed && rd_kafka_error_code(failed)) {
        description.trouble = rd_kafka_error_string(failed);
        return description;
    }
    std::size_t count = 0;
    const auto** partitions = rd_kafka_TopicDescription_partitions(topic, &count);
    for (std::size_t i = 0; i < count; ++i) {
        PartitionState at;
        at.partition = rd_kafka_TopicPartitionInfo_partition(partitions[i]);
        const auto* leader = rd_kafka_TopicPartitionInfo_leader(partitions[i]);
        if (leader) at.leader = rd_kafka_Node_id(leader);
        std::size_t nodes = 0;
        rd_kafka_TopicPartitionInfo_replicas(partitions[i], &nodes);
        at.replicas = static_cast<std::int32_t>(nodes);
        rd_kafka_TopicPartitionInfo_isr(partitions[i], &nodes);
        at.in_sync = static_cast<std::int32_t>(nodes);
        description.partitions.push_back(at);
    }
    return description;
}

TopicDescriptions read_descriptions(rd_kafka_t* handle, const std::vector<std::string>& topics,
                                    milliseconds at_most, const std::stop_token& stop) {
    const TimeLeft left(at_most, stop);
    const ClientEvent event = answer_about(handle, topics, left);
    std::size_t count = 0;
    const auto** found = rd_kafka_DescribeTopics_result_topics(
        rd_kafka_event_DescribeTopics_result(event.get()), &count);
    TopicDescriptions descriptions;
    TopicLayouts there;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name = rd_kafka_TopicDescription_name(found[i]);
        descriptions[name] = described(found[i]);
        const auto partitions = descriptions[name].partitions.size();
        if (partitions > 0) there[name] = {"", static_cast<std::int32_t>(partitions)};
    }
    if (there.empty()) return descriptions;
    Reasons unknown;
    const auto starts = read_offsets(handle, there, RD_KAFKA_OFFSET_SPEC_EARLIEST,
                                     RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED, left, unknown);
    const auto ends = read_offsets(handle, there, RD_KAFKA_OFFSET_SPEC_LATEST,
                                   RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED, left, unknown);
    for (auto& [name, description] : descriptions) {
        for (PartitionState& at : description.partitions) {
            const Place place{name, at.partition};
            if (!starts.contains(place) || !ends.contains(place)) continue;
            at.start = starts.at(place);
            at.end = std::max(ends.at(place), at.start);
            at.has_ends = true;
        }
    }
    return descriptions;
}

}  // namespace orderflow::kafka
