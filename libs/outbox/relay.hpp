#pragma once
// One lane of the relay: outbox → one topic of Kafka. A service's saga lane sends its events to its
// own topic; its announcements of parked records have a lane for each topic (announcing.hpp), so
// that no topic delays another. A session lock elects the lane's leader. The lock is on the same
// connection that reads the ledger and writes the checkpoint, so a leader without the lock can do
// neither. For up to a second it may still send rows of its own process (relay_feed.hpp), which the
// new leader sends as well. Each event is delivered at least once, and the events of one order in
// their order. A restart begins at the checkpoint, and duplicates are harmless because the
// aggregates are the inbox. The ledger (PostgreSQL) and the producer (Kafka) are ports; the
// simulator has its own. Runs on one thread.
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "kafka/producer.hpp"

namespace orderflow::outbox {

// A row of the outbox.
struct LedgerRow : kafka::Message {
    std::int64_t seq = 0;
    std::optional<OrderId> order_id;
    bool elsewhere = false;  // belongs to another lane: stepped over; `data` may be empty
};

// A lane's topic refuses an event. `seq` is 0 if it refuses all events.
class Refused : public std::runtime_error {
public:
    Refused(kafka::Refusal the_reason, std::int64_t event, const std::string& error)
        : std::runtime_error(error), why(the_reason), seq(event) {}
    const kafka::Refusal why;
    const std::int64_t seq;
};

// The append-only table, as a lane needs it. Every call may throw: then call release() and begin
// again.
class Ledger {
public:
    virtual ~Ledger() = default;
    virtual bool lead() = 0;  // true: this process is the service's relay now
    virtual std::int64_t checkpoint() = 0;
    // The id of the topic to which the checkpoint belongs; empty: no topic was seen yet.
    virtual std::string topic_id() = 0;
    virtual void set_topic_id(const std::string& id, std::int64_t checkpoint) = 0;
    virtual std::vector<LedgerRow> read(std::int64_t after, std::size_t limit) = 0;  // seq order
    // Throws if the checkpoint is not `from`, or if an operator has requested, since the last
    // checkpoint(), that events are sent again.
    virtual void move_checkpoint(std::int64_t from, std::int64_t to) = 0;
    // Whether an operator held the lane at the last move. If so, call finish() and release().
    virtual bool held() const { return false; }
    virtual void release() noexcept = 0;
};

// A lane's step, without thread, clock or retry.
class Relay {
public:
    struct Limits {
        std::size_t read_rows = 1'000;  // per SELECT
        std::size_t in_flight = 5'000;  // produced and not yet reported
        std::chrono::milliseconds checkpoint_every{1'000};
        std::chrono::seconds overdue_after{10};
        // Up to this seq, events are sent one by one: after a refusal, the events beside the
        // refused one are not sent again and again with it, and a batch that is too large is split.
        std::int64_t one_by_one_until = 0;
        // An event that the topic refuses for itself is counted and skipped. For lanes of
        // announcements, which send one event per batch.
        bool skip_refused = false;
    };

    Relay(Ledger& ledger, kafka::Producer& producer, Limits limits);

    // Compares the topic's id with the id of the checkpoint. True: the checkpoint belonged to
    // another topic, and the confirmed events were lost with that topic. If they are to be sent
    // again, the checkpoint goes back to zero. Call it before start().
    static bool meet_topic(Ledger& ledger, const std::string& id, bool send_again);

    // Reads the checkpoint. The next steps produce all rows above it, again if they were produced
    // before.
    void start();

    // One round: takes reports, saves the checkpoint if it is due, reads and produces what is new.
    // Returns the number of events produced; none while the ledger is held. Throws Refused on any
    // report that is not a success: the caller must then destroy the producer and start again from
    // the checkpoint, otherwise a later event of an order could overtake an earlier one.
    std::size_t step(std::chrono::steady_clock::time_point now);

    // Returns, once, an event that Kafka neither confirms nor refuses: librdkafka retries it for
    // ever, and reports nothing, while its partition has no leader or too few replicas.
    std::optional<Refused> take_overdue(std::chrono::steady_clock::time_point now);

    // Takes the last reports and saves the checkpoint; for an orderly stop.
    void finish();

    std::int64_t head() const { return head_; }
    // Whether rows are left to send: the last read returned as many as it may, or some of its rows
    // could not be produced yet.
    bool behind() const {
        return waiting_.size() == limits_.read_rows || next_waiting_ < waiting_.size();
    }
    std::int64_t confirmed() const { return confirmed_; }
    // The last row of another lane that the relay has stepped over.
    std::int64_t stepped_over() const { return stepped_over_; }
    bool idle() const { return in_flight_.empty() && next_waiting_ == waiting_.size(); }

    struct Skipped {
        std::int64_t seq;
        kafka::Refusal why;
        std::string_view error;
    };
    std::vector<Skipped> take_skipped() { return std::exchange(skipped_, {}); }

private:
    void take_reports();
    void save_checkpoint();
    void step_over(std::int64_t seq);

    struct InFlight {
        std::int64_t seq;
        std::int64_t through;  // the last seq of this row and the rows of other lanes after it
        bool reported;
    };
    Ledger& ledger_;
    kafka::Producer& producer_;
    const Limits limits_;
    std::deque<InFlight> in_flight_;  // in seq order
    std::uint64_t first_token_ = 0;   // token of in_flight_.front()
    std::vector<LedgerRow> waiting_;  // read, but not produced yet
    std::size_t next_waiting_ = 0;
    std::int64_t head_ = 0;       // highest seq read
    std::int64_t confirmed_ = 0;  // every event up to here is persisted
    std::int64_t saved_ = 0;      // the checkpoint in the database
    std::int64_t stepped_over_ = 0;
    std::vector<Skipped> skipped_;
    std::int64_t first_ = 0;  // seq of in_flight_.front() when it was looked at last
    std::chrono::steady_clock::time_point first_since_{};
    std::chrono::steady_clock::time_point next_checkpoint_{};
};

}  // namespace orderflow::outbox
