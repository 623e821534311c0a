#include "orderctl/kafka_look.hpp"

#include <memory>
#include <set>

#include "kafka/admin_request.hpp"
#include "kafka/asking_client.hpp"
#include "kafka/topic_reading.hpp"
#include "orderctl/connect.hpp"

namespace orderflow::orderctl {
namespace {

using kafka::ClientHandle;
using kafka::Destroyer;
using OffsetsQuestion = std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t,
                                        Destroyer<&rd_kafka_ListConsumerGroupOffsets_destroy>>;

void must(const rd_kafka_error_t* failed, const std::string& what) {
    if (!failed || !rd_kafka_error_code(failed)) return;
    throw CannotDo("Kafka: " + what + ": " + rd_kafka_error_string(failed));
}

void add_topics(const rd_kafka_topic_partition_list_t* list, std::set<std::string>& topics) {
    for (int i = 0; list && i < list->cnt; ++i) topics.insert(list->elems[i].topic);
}

std::set<std::string> committed_topics(const ClientHandle& client, const std::string& group) {
    const OffsetsQuestion question(  // nullptr: about all partitions
        rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), nullptr));
    const kafka::Queue queue(rd_kafka_queue_new(client.get()));
    auto* raw = question.get();
    rd_kafka_ListConsumerGroupOffsets(client.get(), &raw, 1, nullptr, queue.get());
    const kafka::ClientEvent event = answer_in(queue, "committed offsets");
    std::size_t count = 0;
    const auto** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
    std::set<std::string> topics;
    for (std::size_t i = 0; i < count; ++i) {
        must(rd_kafka_group_result_error(groups[i]), "committed offsets of group " + group);
        add_topics(rd_kafka_group_result_partitions(groups[i]), topics);
    }
    return topics;
}

std::set<std::string> assigned_topics(const ClientHandle& client, const std::string& group) {
    const kafka::Queue queue(rd_kafka_queue_new(client.get()));
    const char* name = group.c_str();
    rd_kafka_DescribeConsumerGroups(client.get(), &name, 1, nullptr, queue.get());
    const kafka::ClientEvent event = answer_in(queue, "a consumer group");
    std::size_t count = 0;
    const auto** groups = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
    std::set<std::string> topics;
    for (std::size_t i = 0; i < count; ++i) {
        const auto* failed = rd_kafka_ConsumerGroupDescription_error(groups[i]);
        // It may have been deleted since it was listed.
        if (failed && rd_kafka_error_code(failed) == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) continue;
        must(failed, "group " + group);
        const std::size_t members = rd_kafka_ConsumerGroupDescription_member_count(groups[i]);
        for (std::size_t m = 0; m < members; ++m) {
            const auto* member = rd_kafka_ConsumerGroupDescription_member(groups[i], m);
            add_topics(
                rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(member)),
                topics);
        }
    }
    return topics;
}

}  // namespace

void must_answer(const kafka::Settings& kafka, std::chrono::milliseconds patience) {
    const kafka::ClientHandle handle = kafka::make_complaining_client(kafka);
    try {
        kafka::read_layouts(handle.get(), {"order-events"}, patience);
    } catch (const kafka::NoAnswer& error) {
        const std::string why = kafka::complaint_of(handle.get());
        throw CannotDo("no answer of " + kafka.brokers + " within " +
                       std::to_string(patience.count()) + " ms (" +
                       (why.empty() ? error.what() : why) + ")");
    }
}

kafka::ClientEvent answer_in(const kafka::Queue& queue, const char* what) {
    constexpr int kAnswerMs = 30'000;
    kafka::ClientEvent event(rd_kafka_queue_poll(queue.get(), kAnswerMs));
    if (!event) throw CannotDo(std::string("Kafka: no answer about ") + what);
    // For this error, the broker's own text is a printed Java object.
    if (rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
        throw CannotDo(std::string("Kafka: ") + what + ": only an administrator may do that");
    }
    if (rd_kafka_event_error(event.get())) {
        throw CannotDo(std::string("Kafka: ") + what + ": " +
                       rd_kafka_event_error_string(event.get()));
    }
    return event;
}

GroupNames list_groups(const ClientHandle& client, std::chrono::milliseconds patience) {
    const kafka::Options options =
        kafka::options_for(client.get(), RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, patience);
    const kafka::Queue queue(rd_kafka_queue_new(client.get()));
    rd_kafka_ListConsumerGroups(client.get(), options.get(), queue.get());
    const kafka::ClientEvent event = answer_in(queue, "the consumer groups");
    const auto* result = rd_kafka_event_ListConsumerGroups_result(event.get());
    GroupNames found;
    std::size_t count = 0;
    const auto** groups = rd_kafka_ListConsumerGroups_result_valid(result, &count);
    for (std::size_t i = 0; i < count; ++i) {
        found.names.emplace_back(rd_kafka_ConsumerGroupListing_group_id(groups[i]));
    }
    const auto** errors = rd_kafka_ListConsumerGroups_result_errors(result, &count);
    if (count > 0) found.trouble = rd_kafka_error_string(errors[0]);
    return found;
}

std::vector<std::string> topics_of_group(const ClientHandle& client, const std::string& group) {
    std::set<std::string> topics = committed_topics(client, group);
    topics.merge(assigned_topics(client, group));
    return {topics.begin(), topics.end()};
}

}  // namespace orderflow::orderctl
