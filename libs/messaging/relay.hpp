#pragma once
// The relay: outbox → Kafka. One per service, elected by a session lock on the very connection that
// reads the ledger and writes the checkpoint, so a leader that lost its lock can no longer do
// either. At least once, in order per order: restart = from the checkpoint, duplicates are harmless
// because the aggregates are the inbox. Ports: the ledger (PostgreSQL) and the producer (Kafka);
// the simulator brings its own. Runs on one thread.
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace orderflow::messaging {

struct LedgerRow {
    std::int64_t seq = 0;
    EventId event_id;
    std::optional<OrderId> order_id;
    std::string topic;
    std::string key;
    std::string type;
    std::string headers;  // JSON object of strings
    std::string data;
    Instant recorded_at;
};

// The append-only table as the relay needs it. Every call may throw: then release() and start over.
class Ledger {
public:
    virtual ~Ledger() = default;
    virtual bool lead() = 0;  // true: this process is the service's relay now
    virtual std::int64_t checkpoint() = 0;
    virtual std::vector<LedgerRow> read(std::int64_t after, std::size_t limit) = 0;  // seq order
    // Throws if it does not stand at `from`: somebody lowered it so that events are sent again.
    virtual void move_checkpoint(std::int64_t from, std::int64_t to) = 0;
    virtual void release() noexcept = 0;
};

// Where events go. Reports come in any order, but once for each token.
class Producer {
public:
    virtual ~Producer() = default;
    // False: the local queue is full; poll and try again.
    virtual bool produce(const LedgerRow& row, std::uint64_t token) = 0;
    struct Report {
        std::uint64_t token = 0;
        bool persisted = false;
    };
    virtual std::vector<Report> reports() = 0;
    // Waits until every produced event is reported, at most `at_most`.
    virtual void flush(std::chrono::milliseconds at_most) = 0;
};

// The relay's step, without thread, clock or retry.
class Relay {
public:
    struct Limits {
        std::size_t read_rows = 1'000;     // per SELECT
        std::size_t in_flight = 5'000;     // produced and not yet reported
        std::chrono::milliseconds checkpoint_every{1'000};
    };

    Relay(Ledger& ledger, Producer& producer, Limits limits);

    // Reads the checkpoint: produces everything above it again.
    void start();

    // One round: takes reports, saves the checkpoint if it is due, reads and produces what is new.
    // Returns the number of events produced. Throws on any report that is not a success: the caller
    // must then destroy the producer and start again from the checkpoint, otherwise a later event
    // of an order could overtake an earlier one.
    std::size_t step(std::chrono::steady_clock::time_point now);

    // Takes the last reports and saves the checkpoint; for an orderly stop.
    void finish();

    std::int64_t head() const { return head_; }
    std::int64_t confirmed() const { return confirmed_; }

private:
    void take_reports();
    void save_checkpoint();

    struct InFlight {
        std::int64_t seq;
        bool reported;
    };
    Ledger& ledger_;
    Producer& producer_;
    const Limits limits_;
    std::deque<InFlight> in_flight_;   // in seq order
    std::uint64_t first_token_ = 0;    // token of in_flight_.front()
    std::vector<LedgerRow> waiting_;   // read, but the producer's queue was full
    std::size_t next_waiting_ = 0;
    std::int64_t head_ = 0;            // highest seq read
    std::int64_t confirmed_ = 0;       // every event up to here is persisted
    std::int64_t saved_ = 0;           // the checkpoint in the database
    std::chrono::steady_clock::time_point next_checkpoint_{};
};

}  // namespace orderflow::messaging
