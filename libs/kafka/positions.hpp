#pragma once
// The position of a consumer in a partition, and all questions about it: how large its lag is,
// whether it has read everything, and whether a stored offset belongs to this log at all.
// Consumers, the deadline and `orderctl` use this code and no other. Pure; group_positions.hpp
// reads positions from a broker.
//
// An offset is valid in one log only. A topic that was deleted and recreated has another id
// (`log`), and its offsets begin at zero again. So every stored offset has the id beside it: in the
// group's commits it is the metadata text of the commit.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orderflow::kafka {

struct PartitionPosition {
    std::string topic;
    std::int32_t partition = 0;
    std::string log;                // id of the topic; empty: not known
    std::int64_t start = 0;         // the first offset that there is
    std::int64_t end = 0;           // the offset that the next record will have
    std::int64_t readable_end = 0;  // below `end` if an open transaction hides later records
    std::optional<std::int64_t> committed;  // by the group; empty: it has committed none
    std::string committed_log;     // the log of the commit; empty: the commit does not name it
    std::optional<bool> assigned;  // to a member of the group; empty: not known

    // The committed offset belongs to a log that no longer exists.
    bool committed_elsewhere() const;
    // The log ends below the committed offset: it is another log, or a part of it was lost.
    bool committed_beyond_end() const;
    // The offset from which a member of the group continues, or has continued. Records below it
    // were read, or no longer exist.
    std::int64_t next() const;
    // Number of offsets that the group has not passed. Markers of transactions count until the
    // group has passed them.
    std::int64_t lag() const { return end - next(); }
    bool caught_up() const { return lag() == 0; }
    // The offsets among them that a member could read now.
    std::int64_t unread() const { return std::max<std::int64_t>(readable_end - next(), 0); }
    bool nothing_left() const { return unread() == 0; }
    bool held_up() const { return readable_end < end; }
    bool has_passed(std::int64_t offset) const { return offset < next(); }
};

// The state of one member's partitions. It ensures that the member commits only offsets of handled
// records, in the log in which they were handled. One thread.
class MemberPositions {
public:
    struct Commit {
        std::string topic;
        std::int32_t partition = 0;
        std::int64_t offset = 0;
        std::string log;
    };

    void assign(std::string_view topic, std::int32_t partition);
    void clear() { partitions_.clear(); }

    // Partitions of which it is not known yet whether the group's commit belongs to this log.
    // Nothing is committed for them.
    std::vector<std::pair<std::string, std::int32_t>> unverified() const;
    // Takes the broker's answer about one of them: the group's commit and the present id of the
    // topic. False: the commit belongs to another log. Then the partition stays unverified, and the
    // member must begin again, from the start of this log.
    bool verify(const PartitionPosition& at);
    // False: a verified partition of the topic was read in another log than this.
    bool is_log(std::string_view topic, std::string_view log) const;
    // The member's position in a partition: after the last record that was polled, or at the end
    // that the client reported. Empty: nothing was read yet.
    std::optional<std::int64_t> position(std::string_view topic, std::int32_t partition) const;

    void polled(std::string_view topic, std::int32_t partition, std::int64_t offset);
    // Nothing is left to read below `offset`: the position has passed offsets without records, or
    // records that no longer exist.
    void at_end(std::string_view topic, std::int32_t partition, std::int64_t offset);
    void processed(std::string_view topic, std::int32_t partition, std::int64_t offset);

    // For each partition for which it is known: the offset below which every record is processed.
    struct Processed {
        std::string topic;
        std::int32_t partition = 0;
        std::int64_t offset = 0;
    };
    std::vector<Processed> processed() const;

    // The offsets of processed records that are not committed.
    std::vector<Commit> to_commit() const;
    // Returns whether records were processed in an unverified partition.
    bool waits_to_commit() const;
    void committed(const std::vector<Commit>& commits);
    // The broker rejected the commit: it is due again.
    void not_committed(std::string_view topic, std::int32_t partition);

private:
    struct State {
        std::string log;
        bool verified = false;
        std::optional<std::int64_t> polled;  // behind the last record that was polled
        std::optional<std::int64_t> end;     // that the client reported, after the polled records
        std::optional<std::int64_t> processed;  // everything below is done
        std::optional<std::int64_t> committed;
    };
    using Key = std::pair<std::string, std::int32_t>;
    struct Less {
        using is_transparent = void;
        using View = std::pair<std::string_view, std::int32_t>;
        bool operator()(const View& a, const View& b) const { return a < b; }
    };

    State* find(std::string_view topic, std::int32_t partition);
    const State* find(std::string_view topic, std::int32_t partition) const;

    std::map<Key, State, Less> partitions_;
};

}  // namespace orderflow::kafka
