#pragma once
// The present topics of the brokers, and a group's positions in them: plain values, for code that
// judges them without a client of its own. Any thread.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kafka/positions.hpp"

namespace orderflow::kafka {

struct TopicLayout {
    std::string log;  // id of the topic; empty if the broker has none
    std::int32_t partitions = 0;
};
using TopicLayouts = std::map<std::string, TopicLayout>;

// A partition in the brokers' view. Leader -1: there is no leader, so no client can read or write.
struct PartitionState {
    std::int32_t partition = 0;
    std::int32_t leader = -1;
    std::int32_t replicas = 0;
    std::int32_t in_sync = 0;  // of the replicas
    std::int64_t start = 0;    // the first offset that there is
    std::int64_t end = 0;      // the offset that the next record will have
    bool has_ends = false;     // false: start and end are unknown, and both are zero
};
struct TopicDescription {
    std::vector<PartitionState> partitions;
    std::string trouble;  // why there are none: Kafka's text
};
using TopicDescriptions = std::map<std::string, TopicDescription>;

struct GroupMember {
    std::string id;
    std::string client_id;
    std::string host;
    std::vector<std::pair<std::string, std::int32_t>> partitions;  // assigned to it
};

struct GroupPositions {
    TopicLayouts topics;  // those that exist
    // By topic and partition. Some may have no answer: `unknown` has the reasons.
    std::vector<PartitionPosition> partitions;
    std::vector<std::string> unknown;
    bool has_members = false;
    bool rebalancing = false;  // the group is assigning its partitions
    std::vector<GroupMember> members;

    // Number of members without partitions; empty while the group is assigning them.
    std::optional<std::int64_t> idle_members() const;
};

// The text whose hash decides on the partition of an event: its key, or its id if it has none.
inline std::string_view placed_by(const std::optional<std::string_view>& key,
                                  std::string_view event_id) {
    return key.value_or(event_id);
}
// The partition that an event with this key is produced to.
std::int32_t partition_of(std::string_view key, std::int32_t partitions);
// The partitions that may hold events with this key, in a topic whose number of partitions grew
// from `fewest` to `now`: one element for each number. The last element is the partition of the
// next event.
std::vector<std::int32_t> homes_of(std::string_view key, std::int32_t fewest, std::int32_t now);

}  // namespace orderflow::kafka
