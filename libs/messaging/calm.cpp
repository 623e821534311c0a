#include "messaging/calm.hpp"

#include <algorithm>

#include "messaging/rdkafka.hpp"

namespace orderflow::messaging {

void CalmPartitions::seen(const void* source, const std::vector<PartitionState>& partitions,
                          Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    auto& before = since_[source];
    std::map<Partition, Clock::time_point> after;
    for (const PartitionState& state : partitions) {
        if (!state.at_end) continue;
        Partition partition{state.topic, state.partition};
        const auto known = before.find(partition);
        after.emplace(std::move(partition), known == before.end() ? now : known->second);
    }
    before = std::move(after);
}

std::vector<int> CalmPartitions::calm(const std::vector<std::string_view>& topics,
                                      std::chrono::milliseconds at_least,
                                      Clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    std::map<int, std::size_t> topics_calm;
    for (const auto& [source, partitions] : since_) {
        for (const auto& [partition, since] : partitions) {
            const bool asked = std::ranges::find(topics, partition.first) != topics.end();
            if (asked && since <= now - at_least) ++topics_calm[partition.second];
        }
    }
    std::vector<int> calm;
    for (const auto& [number, count] : topics_calm) {
        if (count >= topics.size()) calm.push_back(number);
    }
    return calm;
}

int partition_of(std::string_view key, int partitions) {
    // The topic is only asked for its name, in messages about errors.
    return rd_kafka_msg_partitioner_murmur2(nullptr, key.data(), key.size(), partitions, nullptr,
                                            nullptr);
}

}  // namespace orderflow::messaging
