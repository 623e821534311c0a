#include "kafka/topic_layout.hpp"

#include <algorithm>

#include <librdkafka/rdkafka.h>

namespace orderflow::kafka {

std::optional<std::int64_t> GroupPositions::idle_members() const {
    if (rebalancing) return std::nullopt;
    return std::ranges::count_if(
        members, [](const GroupMember& member) { return member.partitions.empty(); });
}

std::int32_t partition_of(std::string_view key, std::int32_t partitions) {
    // The topic is needed only for its name, in error messages.
    return rd_kafka_msg_partitioner_murmur2(nullptr, key.data(), key.size(), partitions, nullptr,
                                            nullptr);
}

std::vector<std::int32_t> homes_of(std::string_view key, std::int32_t fewest, std::int32_t now) {
    std::vector<std::int32_t> homes;
    for (auto count = std::max(1, std::min(fewest, now)); count <= now; ++count) {
        homes.push_back(partition_of(key, count));
    }
    return homes;
}

}  // namespace orderflow::kafka
