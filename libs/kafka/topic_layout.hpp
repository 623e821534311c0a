#pragma once
// Topics as the brokers have them now, and a group's positions in them: plain values, for those who
// judge them without a client of their own.
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

// A partition as the brokers have it. -1: nobody leads it, so that nobody can read or write there.
struct PartitionState {
    std::int32_t partition = 0;
    std::int32_t leader = -1;
    std::int32_t replicas = 0;
    std::int32_t in_sync = 0;  // of the replicas
    std::int64_t start = 0;    // the first offset that there is
    std::int64_t end = 0;      // the offset that the next record will have
    bool has_ends = false;     // false: nobody said where it starts and ends, so both are zero
};
struct TopicDescription {
    std::vector<PartitionState> partitions;
    std::string trouble;  // why there are none, in Kafka's words
};
using TopicDescriptions = std::map<std::string, TopicDescription>;

struct GroupMember {
    std::string id;
    std::string client_id;
    std::string host;
    std::vector<std::pair<std::string, std::int32_t>> partitions;  // that it is assigned
};

struct GroupPositions {
    TopicLayouts topics;  // those that exist
    // By topic and partition. Of some there may be no answer: `unknown` says why.
    std::vector<PartitionPosition> partitions;
    std::vector<std::string> unknown;
    bool has_members = false;
    bool rebalancing = false;  // who is assigned what is being settled
    std::vector<GroupMember> members;

    // How many are assigned nothing; empty while that is being settled.
    std::optional<std::int64_t> idle_members() const;
};

// The text whose hash decides on the partition of an event: its key, or its id if it has none.
inline std::string_view placed_by(const std::optional<std::string_view>& key,
                                  std::string_view event_id) {
    return key.value_or(event_id);
}
// The partition that an event with this key is produced to.
std::int32_t partition_of(std::string_view key, std::int32_t partitions);
// Where events with this key may lie in a topic that was given partitions, from `fewest` to `now`
// of them: one element for each number. The last one is where the next event goes.
std::vector<std::int32_t> homes_of(std::string_view key, std::int32_t fewest, std::int32_t now);

}  // namespace orderflow::kafka
