#include "kafka/group_positions.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "kafka/admin_request.hpp"
#include "kafka/asking_client.hpp"
#include "kafka/topic_reading.hpp"

namespace orderflow::kafka {
namespace {

using std::chrono::milliseconds;

using OffsetsQuestion = std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t,
                                        Destroyer<&rd_kafka_ListConsumerGroupOffsets_destroy>>;

void read_commits(rd_kafka_t* handle, const std::string& group, const TimeLeft& left,
                  GroupPositions& positions) {
    const Topics asked = list_of(positions.topics, RD_KAFKA_OFFSET_INVALID);
    const OffsetsQuestion question(
        rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), asked.get()));
    const ClientEvent event =
        answer_to(handle, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, left, "committed offsets",
                  [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                      auto* raw = question.get();
                      rd_kafka_ListConsumerGroupOffsets(handle, &raw, 1, options, queue);
                  });
    std::size_t count = 0;
    const auto** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
    std::map<Place, const rd_kafka_topic_partition_t*> commits;
    for (std::size_t i = 0; i < count; ++i) {
        if (const auto* failed = rd_kafka_group_result_error(groups[i])) {
            throw NoAnswer(std::string("committed offsets: ") + rd_kafka_error_string(failed));
        }
        const auto* list = rd_kafka_group_result_partitions(groups[i]);
        for (int j = 0; list && j < list->cnt; ++j) {
            commits[{list->elems[j].topic, list->elems[j].partition}] = &list->elems[j];
        }
    }
    for (PartitionPosition& at : positions.partitions) {
        const auto found = commits.find({at.topic, at.partition});
        if (found == commits.end() || found->second->offset < 0) continue;
        at.committed = found->second->offset;
        if (found->second->metadata_size > 0) {
            at.committed_log.assign(static_cast<const char*>(found->second->metadata),
                                    found->second->metadata_size);
        }
    }
}

GroupMember member_of(const rd_kafka_MemberDescription_t* described) {
    GroupMember member{rd_kafka_MemberDescription_consumer_id(described),
                       rd_kafka_MemberDescription_client_id(described),
                       rd_kafka_MemberDescription_host(described),
                       {}};
    const auto* list =
        rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(described));
    for (int i = 0; list && i < list->cnt; ++i) {
        member.partitions.emplace_back(list->elems[i].topic, list->elems[i].partition);
    }
    return member;
}

void read_members(rd_kafka_t* handle, const std::string& group, const TimeLeft& left,
                  GroupPositions& positions) {
    const ClientEvent event =
        answer_to(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, left, "the consumer group",
                  [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                      const char* name = group.c_str();
                      rd_kafka_DescribeConsumerGroups(handle, &name, 1, options, queue);
                  });
    std::size_t count = 0;
    const auto** groups = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
    std::set<Place> assigned;
    for (std::size_t i = 0; i < count; ++i) {
        const auto* failed = rd_kafka_ConsumerGroupDescription_error(groups[i]);
        const auto code = failed ? rd_kafka_error_code(failed) : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) continue;  // nobody ever joined it
        if (code) {
            throw NoAnswer(std::string("the consumer group: ") + rd_kafka_error_string(failed));
        }
        const auto state = rd_kafka_ConsumerGroupDescription_state(groups[i]);
        positions.rebalancing = state == RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE ||
                                state == RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE;
        const std::size_t members = rd_kafka_ConsumerGroupDescription_member_count(groups[i]);
        positions.has_members = members > 0;
        for (std::size_t m = 0; m < members; ++m) {
            GroupMember member = member_of(rd_kafka_ConsumerGroupDescription_member(groups[i], m));
            assigned.insert(member.partitions.begin(), member.partitions.end());
            positions.members.push_back(std::move(member));
        }
    }
    for (PartitionPosition& at : positions.partitions) {
        at.assigned = assigned.contains({at.topic, at.partition});
    }
}

}  // namespace

// Reads commits first and ends last, so that a commit is not above the end beside it.
GroupPositions read_group(rd_kafka_t* handle, const std::string& group,
                          const std::vector<std::string>& topics, milliseconds at_most,
                          const std::stop_token& stop) {
    const TimeLeft left(at_most, stop);
    GroupPositions positions;
    positions.topics = read_layouts(handle, topics, left.ms(), stop);
    for (const auto& [name, layout] : positions.topics) {
        for (std::int32_t p = 0; p < layout.partitions; ++p) {
            PartitionPosition at;
            at.topic = name;
            at.partition = p;
            at.log = layout.log;
            positions.partitions.push_back(std::move(at));
        }
    }
    if (positions.partitions.empty()) return positions;
    read_members(handle, group, left, positions);
    read_commits(handle, group, left, positions);
    Reasons unknown;
    const auto read = [&](std::int64_t spec, rd_kafka_IsolationLevel_t isolation) {
        return read_offsets(handle, positions.topics, spec, isolation, left, unknown);
    };
    const auto starts =
        read(RD_KAFKA_OFFSET_SPEC_EARLIEST, RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED);
    const auto ends = read(RD_KAFKA_OFFSET_SPEC_LATEST, RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED);
    const auto stable = read(RD_KAFKA_OFFSET_SPEC_LATEST, RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED);
    std::erase_if(positions.partitions, [&](PartitionPosition& at) {
        const auto start = starts.find({at.topic, at.partition});
        const auto readable = stable.find({at.topic, at.partition});
        const auto end = ends.find({at.topic, at.partition});
        if (start == starts.end() || readable == stable.end() || end == ends.end()) {
            unknown.try_emplace({at.topic, at.partition}, "no answer");
            return true;
        }
        at.start = start->second;
        at.end = end->second;
        at.readable_end = std::min(readable->second, end->second);  // the end was requested later
        return false;
    });
    for (const auto& [place, why] : unknown) {
        positions.unknown.push_back(place.first + "/" + std::to_string(place.second) + ": " + why);
    }
    return positions;
}

}  // namespace orderflow::kafka
