#pragma once
// Decides which orders a process may judge by the clock. An order is late only if no unread record
// could end its waiting: otherwise the consumers are late, not the order. GroupWatch calls seen()
// about once a second with the positions of the whole group, that is of all its processes, in all
// partitions. Pure; one thread.
//
// A partition counts as caught up once the group has passed the end that the partition had one look
// before, and for as long as this stays true. An order's records are in the partition that the hash
// of its key gives among `n` partitions. After partitions were added, they may also be in the
// partition of a smaller `n`. Example: a topic grew from 6 to 8 partitions; then the hash modulo 6,
// 7 and 8 gives the partitions to check. Each of those for a smaller `n` must have been caught up
// at least once since the present layout was first seen, for the required time and some more
// seconds, because producers notice new partitions late. A topic has never had fewer partitions
// than the catalog defines, or than were seen once.
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kafka/topic_layout.hpp"

namespace orderflow::kafka {

class CaughtUp {
public:
    using Clock = std::chrono::steady_clock;

    // Why no order can be judged.
    enum class Pause {
        unknown,     // no answer from the brokers for some seconds
        differ,      // the topics do not have the same number of partitions, or one is missing
        unassigned,  // a partition is assigned to no member of the group
    };

    // `topics`: those whose layouts must be alike. `consumed`: the topics among them that the group
    // reads. `at_least`: how long a partition must have been caught up. `made_with`: the number of
    // partitions with which the topics are created.
    CaughtUp(std::vector<std::string> topics, std::vector<std::string> consumed,
             std::chrono::milliseconds at_least, std::int32_t made_with);

    void seen(const GroupPositions& positions, Clock::time_point now);

    std::optional<Pause> paused(Clock::time_point now) const;
    // Returns whether every record that could concern this key was read for long enough. False
    // while paused.
    bool may_judge(std::string_view key, Clock::time_point now) const;

private:
    struct Partition {
        std::string log;
        std::optional<std::int64_t> end;         // at the last look
        std::optional<Clock::time_point> since;  // caught up from then on
        bool drained = false;   // was caught up for long enough, in the present layout
        bool reported = false;  // the last look had its position
    };
    struct Topic {
        TopicLayout layout;
        std::int32_t fewest = 0;  // that it may have had
        std::map<std::int32_t, Partition> partitions;
        bool drained = false;  // all of them
    };

    void begin_look(const GroupPositions& positions, Clock::time_point now);
    void look_at(const PartitionPosition& at, Clock::time_point now);
    bool are_alike(const TopicLayouts& topics) const;
    bool is_caught_up(const Partition& partition, Clock::time_point now) const;

    const std::vector<std::string> topics_;
    const std::vector<std::string> consumed_;
    const std::chrono::milliseconds at_least_;
    const std::int32_t made_with_;
    std::map<std::string, Topic, std::less<>> seen_;  // of the consumed ones
    std::optional<Pause> pause_;
    std::optional<Clock::time_point> last_look_;
};

// For a log line or a label: "topics_differ".
std::string_view name_of(CaughtUp::Pause pause);

}  // namespace orderflow::kafka
