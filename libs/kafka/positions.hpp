#pragma once
// Where a consumer stands in a partition, and every question about it: how far behind it is,
// whether it has read everything, whether what it remembers belongs to this log at all. Consumers,
// the deadline and `orderctl` ask here and nowhere else. Pure; kafka/group_positions.hpp reads them
// from a broker.
//
// An offset means something in one log only. A topic that was deleted and made anew has another id
// (`log`), and its offsets begin at zero again, so every offset that is remembered keeps the id
// with it: in the group's commits it is the metadata text of the commit.
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
    std::int64_t readable_end = 0;  // below `end` where an open transaction hides what follows
    std::optional<std::int64_t> committed;  // by the group; empty: it never has
    std::string committed_log;              // of which log that is; empty: the commit does not say
    std::optional<bool> assigned;           // to a member of the group; empty: not known

    // What is committed was reached in a log that is no more.
    bool committed_elsewhere() const;
    // The log is shorter than what is committed: another one, or a part of it was lost.
    bool committed_beyond_end() const;
    // The offset at which a member of the group goes on, or has gone on. Records below were read,
    // or are not there any more.
    std::int64_t next() const;
    // Offsets that the group has not passed. Markers of transactions count until it has.
    std::int64_t lag() const { return end - next(); }
    bool caught_up() const { return lag() == 0; }
    // Those of them that a member could read now.
    std::int64_t unread() const { return std::max<std::int64_t>(readable_end - next(), 0); }
    bool nothing_left() const { return unread() == 0; }
    bool held_up() const { return readable_end < end; }
    bool has_passed(std::int64_t offset) const { return offset < next(); }
};

// What one member knows of the partitions of its assignment, so that it commits what was handled,
// in the log where it was handled, and nothing else. One thread.
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
    // The broker's answer about one of them: the group's commit and the id of the topic as it is
    // now. False: the commit belongs to another log. Then it stays unverified, and the member must
    // begin anew, from the start of this log.
    bool verify(const PartitionPosition& at);
    // False: a verified partition of the topic was read in another log than this.
    bool is_log(std::string_view topic, std::string_view log) const;
    // Where the member is in a partition: behind the last record that was polled, or at the end
    // that it was told of. Empty: it has read nothing yet.
    std::optional<std::int64_t> position(std::string_view topic, std::int32_t partition) const;

    void polled(std::string_view topic, std::int32_t partition, std::int64_t offset);
    // There is nothing to read below `offset`: the position has stepped over what is no record,
    // or over records that are gone.
    void at_end(std::string_view topic, std::int32_t partition, std::int64_t offset);
    void processed(std::string_view topic, std::int32_t partition, std::int64_t offset);

    // Where everything below is done, of each partition of which that is known.
    struct Processed {
        std::string topic;
        std::int32_t partition = 0;
        std::int64_t offset = 0;
    };
    std::vector<Processed> processed() const;

    // What was processed and is not committed.
    std::vector<Commit> to_commit() const;
    // Something was processed in a partition that is unverified.
    bool waits_to_commit() const;
    void committed(const std::vector<Commit>& commits);
    // The broker did not take the commit: it is due again.
    void not_committed(std::string_view topic, std::int32_t partition);

private:
    struct State {
        std::string log;
        bool verified = false;
        std::optional<std::int64_t> polled;     // behind the last record that was polled
        std::optional<std::int64_t> end;        // told at the end, behind records in hand
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
