#pragma once
// Which orders a process may judge by the clock. An order is late only if nothing that could end
// its waiting lies unread in a topic: otherwise the consumers are late, not the order. Fed about
// once a second with what the brokers say of the group in all partitions, whoever owns them; asked
// by the deadline. Pure; one thread.
//
// A partition counts as caught up once the group has passed the end that it had one look before,
// for as long as that goes on. An order's records lie in the partition that its key's hash gives
// among `n` partitions. Where partitions were added, they may also lie where a smaller `n` had put
// them, so every such partition must have been caught up at least once since the present layout
// was first seen, for as long and for some seconds, since producers are told late. Fewer than the
// catalog says, or than were seen once, a topic has never had.
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

    // Why nothing can be judged.
    enum class Pause {
        unknown,     // the brokers have not said for some seconds how things are
        differ,      // the topics have not the same number of partitions, or one is missing
        unassigned,  // a partition is assigned to no member of the group
    };

    // `topics`: those whose layouts must be alike. `consumed`: those of them that the group reads.
    // `at_least`: how long a partition must have been caught up. `made_with`: partitions that the
    // topics are made with.
    CaughtUp(std::vector<std::string> topics, std::vector<std::string> consumed,
             std::chrono::milliseconds at_least, std::int32_t made_with);

    void seen(const GroupPositions& positions, Clock::time_point now);

    std::optional<Pause> paused(Clock::time_point now) const;
    // Whether all that could concern this key was read for long enough. False while paused.
    bool may_judge(std::string_view key, Clock::time_point now) const;

private:
    struct Partition {
        std::string log;
        std::optional<std::int64_t> end;         // when it was told of last
        std::optional<Clock::time_point> since;  // caught up from then on
        bool drained = false;  // was caught up for long enough, in the present layout
        bool told = false;     // by the last look
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
