#include "messaging/calm.hpp"

#include <algorithm>
#include <set>

#include "messaging/rdkafka.hpp"

namespace orderflow::messaging {
namespace {

constexpr std::chrono::seconds kSilence{5};

}  // namespace

void CalmPartitions::seen(const void* source, const std::vector<PartitionState>& partitions,
                          Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    Source& before = sources_[source];
    if (now - before.seen > kSilence) before.calm_since.clear();
    Source after{now, {}};
    for (const PartitionState& state : partitions) {
        if (!state.at_end) continue;
        Partition partition{state.topic, state.partition};
        const auto known = before.calm_since.find(partition);
        const auto since = known == before.calm_since.end() ? now : known->second;
        after.calm_since.emplace(std::move(partition), since);
    }
    before = std::move(after);
}

std::vector<int> CalmPartitions::calm(const std::vector<std::string_view>& topics,
                                      std::chrono::milliseconds at_least,
                                      Clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    std::map<int, std::set<std::string_view>> topics_calm;
    for (const auto& [address, source] : sources_) {
        if (now - source.seen > kSilence) continue;
        for (const auto& [partition, since] : source.calm_since) {
            const bool asked = std::ranges::find(topics, partition.first) != topics.end();
            if (asked && since <= now - at_least) {
                topics_calm[partition.second].insert(partition.first);
            }
        }
    }
    std::vector<int> calm;
    for (const auto& [number, names] : topics_calm) {
        if (names.size() == topics.size()) calm.push_back(number);
    }
    return calm;
}

int partition_of(std::string_view key, int partitions) {
    // The topic is only asked for its name, in messages about errors.
    return rd_kafka_msg_partitioner_murmur2(nullptr, key.data(), key.size(), partitions, nullptr,
                                            nullptr);
}

}  // namespace orderflow::messaging
