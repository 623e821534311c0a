#include "kafka/caught_up.hpp"

#include <algorithm>

namespace orderflow::kafka {
namespace {

// How long a look is valid. After a longer silence the process may have been frozen.
constexpr std::chrono::seconds kSilence{5};
// After partitions were added, producers use the old number for some more seconds (base_conf in
// rdkafka.hpp: 3 s, and the records that are on their way then).
constexpr std::chrono::seconds kOldLayoutInUse{10};

bool same(const TopicLayout& a, const TopicLayout& b) {
    return a.partitions == b.partitions && a.log == b.log;
}

}  // namespace

CaughtUp::CaughtUp(std::vector<std::string> topics, std::vector<std::string> consumed,
                   std::chrono::milliseconds at_least, std::int32_t made_with)
    : topics_(std::move(topics)),
      consumed_(std::move(consumed)),
      at_least_(at_least),
      made_with_(made_with) {}

void CaughtUp::seen(const GroupPositions& positions, Clock::time_point now) {
    begin_look(positions, now);
    pause_.reset();
    for (const PartitionPosition& at : positions.partitions) look_at(at, now);
    for (auto& [name, topic] : seen_) {
        for (auto& [number, partition] : topic.partitions) {
            if (!partition.reported) partition.since.reset();
        }
        topic.drained = std::ranges::all_of(topic.partitions,
                                            [](const auto& entry) { return entry.second.drained; });
    }
    if (!are_alike(positions.topics)) pause_ = Pause::differ;
}

// Begins a look: takes over the new layouts, and keeps the state of partitions that still exist.
void CaughtUp::begin_look(const GroupPositions& positions, Clock::time_point now) {
    const bool was_silent = last_look_ && now - *last_look_ > kSilence;
    last_look_ = now;
    for (const std::string& name : consumed_) {
        Topic& topic = seen_[name];
        const auto found = positions.topics.find(name);
        const TopicLayout layout = found == positions.topics.end() ? TopicLayout{} : found->second;
        const bool changed = !same(std::exchange(topic.layout, layout), layout);
        if (topic.fewest == 0) topic.fewest = made_with_;
        if (layout.partitions > 0) topic.fewest = std::min(topic.fewest, layout.partitions);
        std::map<std::int32_t, Partition> partitions;
        for (std::int32_t number = 0; number < layout.partitions; ++number) {
            Partition& partition = partitions[number];
            if (const auto before = topic.partitions.find(number);
                before != topic.partitions.end()) {
                partition = before->second;
            }
            partition.reported = false;
            if (changed) partition.drained = false;
            if (changed || was_silent) partition.since.reset();
        }
        topic.partitions = std::move(partitions);
    }
}

void CaughtUp::look_at(const PartitionPosition& at, Clock::time_point now) {
    const auto topic = seen_.find(at.topic);
    if (topic == seen_.end()) return;
    if (at.assigned == false) pause_ = Pause::unassigned;
    Partition& partition = topic->second.partitions.at(at.partition);
    const bool passed = partition.log == at.log && partition.end && at.next() >= *partition.end;
    if (!passed) {
        partition.since.reset();
    } else if (!partition.since) {
        partition.since = now;
    }
    partition.reported = true;
    partition.log = at.log;
    partition.end = at.end;
    const bool old_layout_over = partition.since && *partition.since <= now - kOldLayoutInUse;
    partition.drained = partition.drained || (old_layout_over && is_caught_up(partition, now));
}

bool CaughtUp::are_alike(const TopicLayouts& topics) const {
    return std::ranges::all_of(topics_, [&](const std::string& name) {
        const auto first = topics.find(topics_.front());
        const auto found = topics.find(name);
        return found != topics.end() && first != topics.end() &&
               found->second.partitions == first->second.partitions;
    });
}

bool CaughtUp::is_caught_up(const Partition& partition, Clock::time_point now) const {
    return partition.since && *partition.since <= now - at_least_;
}

std::optional<CaughtUp::Pause> CaughtUp::paused(Clock::time_point now) const {
    if (!last_look_ || now - *last_look_ > kSilence) return Pause::unknown;
    return pause_;
}

bool CaughtUp::may_judge(std::string_view key, Clock::time_point now) const {
    if (paused(now)) return false;
    return std::ranges::all_of(consumed_, [&](const std::string& name) {
        const auto found = seen_.find(name);
        if (found == seen_.end()) return false;
        const Topic& topic = found->second;
        const std::int32_t count = topic.layout.partitions;
        if (count == 0) return false;
        const auto homes = homes_of(key, topic.drained ? count : topic.fewest, count);
        if (!is_caught_up(topic.partitions.at(homes.back()), now)) return false;
        return topic.drained || std::ranges::all_of(homes, [&](std::int32_t home) {
                   return home == homes.back() || topic.partitions.at(home).drained;
               });
    });
}

std::string_view name_of(CaughtUp::Pause pause) {
    switch (pause) {
        case CaughtUp::Pause::unknown: return "unknown";
        case CaughtUp::Pause::differ: return "topics_differ";
        case CaughtUp::Pause::unassigned: return "unassigned";
    }
    return "";
}

}  // namespace orderflow::kafka
