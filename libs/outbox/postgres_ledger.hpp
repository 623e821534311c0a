#pragma once
// The outbox and its checkpoints on PostgreSQL, as the relay's lanes read them. Used by the relay's
// threads, each on a connection of its own.
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "events/catalog.hpp"
#include "outbox/relay.hpp"
#include "outbox/relay_feed.hpp"
#include "postgres/connection.hpp"

namespace orderflow::outbox {

// A row of relay_checkpoint, and the topic whose rows the lane reads.
struct Lane {
    std::string name;   // saga, or the topic
    std::string topic;  // empty: there is none, analytics emits no events
    bool announcements = false;
};
Lane saga_lane(events::Service service);
Lane announcement_lane(const std::string& topic);

// The saga's lane reads the outbox by its primary key and skips announcements; a lane of
// announcements reads its own rows by a small index. The connection outlives this object.
class PostgresLedger final : public Ledger {
public:
    // `feed`: read before the table, for the rows that this process has appended; null for
    // announcements.
    PostgresLedger(postgres::Connection& connection, Lane lane, RelayFeed* feed = nullptr);

    bool lead() override;
    std::int64_t checkpoint() override;
    std::string topic_id() override;
    void set_topic_id(const std::string& id, std::int64_t checkpoint) override;
    std::vector<LedgerRow> read(std::int64_t after, std::size_t limit) override;
    void move_checkpoint(std::int64_t from, std::int64_t to) override;
    bool held() const override { return held_; }
    void release() noexcept override;

    // The part of the outbox above `seq`: the number of rows, and the age of the oldest in seconds.
    struct Backlog {
        std::int64_t rows = 0;
        double age_s = 0;
        bool others = false;  // other processes of the service run, and may append rows
    };
    Backlog backlog(std::int64_t seq);

    // For `orderctl lag`: the topic's refusal, until the checkpoint moves; the number of skipped
    // events.
    void note_refusal(const Refused& refused);
    void topic_is_there();  // clears a refusal of all events
    void note_skipped(std::size_t events);

private:
    postgres::Rows standing();

    postgres::Connection& connection_;
    const Lane lane_;
    RelayFeed* const feed_;
    std::int64_t republished_ = 0;  // as of the last look at the checkpoint
    bool held_ = false;             // as of the last move of it, or of lead()
    bool stands_by_ = false;        // this session has the lock of processes that stand by
};

// Takes the session lock of the service's saga lane, as a relay does. False: a relay has it and may
// be sending. The lock is released when the connection ends.
bool take_saga_lane(postgres::Connection& connection);

// Returns whether the saga's lane is held (orderctl topics hold), or was in the last `time`.
bool was_held_within(postgres::Connection& connection, std::chrono::milliseconds time);

// Returns those of these topics that have announcements above their checkpoints.
std::vector<std::string> topics_with_announcements(postgres::Connection& connection,
                                                   const std::vector<std::string>& topics);

}  // namespace orderflow::outbox
