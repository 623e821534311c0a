#pragma once
// Topics as the brokers have them now, and a group's positions in them: plain values, for those who
// judge them without a client of their own.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "messaging/positions.hpp"

namespace orderflow::messaging {

struct TopicLayout {
    std::string log;  // id of the topic; empty if the broker has none
    std::int32_t partitions = 0;
};
using TopicLayouts = std::map<std::string, TopicLayout>;

struct GroupPositions {
    TopicLayouts topics;  // those that exist
    // By topic and partition. Of some there may be no answer: `unknown` says why.
    std::vector<PartitionPosition> partitions;
    std::vector<std::string> unknown;
    bool has_members = false;
    bool rebalancing = false;  // who is assigned what is being settled
};

// The partition that an event with this key is produced to.
std::int32_t partition_of(std::string_view key, std::int32_t partitions);
// Where events with this key may lie in a topic that was given partitions, from `fewest` to `now`
// of them: one element for each number. The last one is where the next event goes.
std::vector<std::int32_t> homes_of(std::string_view key, std::int32_t fewest, std::int32_t now);

}  // namespace orderflow::messaging
