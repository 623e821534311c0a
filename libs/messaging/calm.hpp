#pragma once
// Which partitions a process may judge by the clock. An order counts as late only if its own
// partition was calm: owned here in every consumed topic, read to its end, and its broker heard,
// all that for a while. Otherwise it may only look late because this process is behind, or was
// frozen: what a source says holds for 5 s. Written by the consumer loops, read by the deadline's
// loop. Thread-safe.
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messaging/record.hpp"

namespace orderflow::messaging {

class CalmPartitions {
public:
    using Clock = std::chrono::steady_clock;

    // What `source` owns now; replaces what it said before. To be said about once a second. An
    // empty set after a failure.
    void seen(const void* source, const std::vector<PartitionState>& partitions,
              Clock::time_point now);

    // The partition numbers that are calm in each of `topics` since `now - at_least` or longer.
    std::vector<int> calm(const std::vector<std::string_view>& topics,
                          std::chrono::milliseconds at_least, Clock::time_point now) const;

private:
    using Partition = std::pair<std::string, int>;

    struct Source {
        Clock::time_point seen{};                         // last
        std::map<Partition, Clock::time_point> calm_since;  // those read to their ends
    };

    mutable std::mutex mutex_;
    std::map<const void*, Source> sources_;
};

// The partition that an event with this key is produced to.
int partition_of(std::string_view key, int partitions);

}  // namespace orderflow::messaging
