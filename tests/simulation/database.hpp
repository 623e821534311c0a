#pragma once
// One service's database in memory: the committed rows, and sessions that change them. No other
// session sees a session's writes before the commit; after it, all of them are visible at once.
// Statements read the rows that are committed when they run (READ COMMITTED), as those of the
// production code do: that code reads nothing that it has written in the same transaction. One
// thread.
//
// The locks on rows that a transaction has written or locked are held until it ends. Another step
// may run inside a step of the holder, and then the holder cannot continue. So a session that needs
// such a row gets at once the error that PostgreSQL would return after a while: lock timeout, or
// deadlock.
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kafka/delivery.hpp"
#include "kafka/record.hpp"
#include "outbox/aggregates.hpp"
#include "loops/batch.hpp"
#include "outbox/parked_table.hpp"
#include "outbox/parking.hpp"
#include "outbox/relay.hpp"
#include "outbox/relay_feed.hpp"
#include "outbox/unit_of_work.hpp"
#include "simulation/world.hpp"

namespace orderflow::simulation {

class Session;
class LedgerSession;

struct ParkedRow {
    kafka::Record record;
    std::optional<OrderId> order_id;
    std::string ce_id;
    std::int32_t attempts = 0;
    std::optional<Instant> due_at;  // empty: dead
    bool blocks = false;
    std::string error;

    bool dead() const { return !due_at; }
};

// The effects of a transaction, for observers.
struct Commit {
    events::Service service{};
    Step step{};
    std::vector<outbox::LedgerRow> rows;       // appended, in seq order
    std::vector<events::Event> events;         // the events of these rows, without announcements
    std::vector<outbox::ParkedRecord> parked;  // newly parked
    std::vector<events::Event> handled;        // the events that the service's handler received
    std::vector<EventId> done;                 // those of them that it has not put aside (again)
    std::vector<EventId> unparked;             // events that are no longer parked
    std::vector<std::string> waiting;          // keys that were blocked when the transaction asked
};

class Database {
public:
    Database(World& world, events::Service service)
        : world_(world), service_(service), ids_(world.random.next()) {}

    events::Service service() const { return service_; }
    const std::vector<outbox::LedgerRow>& outbox() const { return outbox_; }
    const std::map<std::int64_t, ParkedRow>& parked() const { return parked_; }
    std::int64_t checkpoint() const { return checkpoint_; }
    void lower_checkpoint(std::int64_t to);
    // An operator holds the relay of the saga's lane (`on`), or releases it.
    void hold(bool on);
    bool is_held() const { return held_; }
    // It is held, and was held before `time`.
    bool is_held_since(Instant time) const { return held_ && held_at_ < time; }
    // It is held, or was held after `time`.
    bool was_held_since(Instant time) const { return held_ || released_at_ > time; }
    // Returns whether all announcements on this topic are confirmed.
    bool announced_all(std::string_view topic) const;

    // Called with each transaction once it is committed.
    std::function<void(const Commit&)> watch = [](const Commit&) {};

private:
    friend class Session;
    friend class LedgerSession;
    friend class AnnouncementLedger;

    World& world_;
    const events::Service service_;
    IdSource ids_;
    std::vector<outbox::LedgerRow> outbox_;
    std::int64_t next_seq_ = 1;  // append takes numbers; a rollback leaves gaps
    std::int64_t checkpoint_ = 0;
    int republished_ = 0;  // how often an operator has lowered checkpoints
    bool held_ = false;
    Instant held_at_{};
    Instant released_at_{};
    std::map<std::string, std::int64_t, std::less<>> announced_;  // checkpoints, by topic
    const LedgerSession* leader_ = nullptr;
    const LedgerSession* announcer_ = nullptr;
    std::map<std::int64_t, ParkedRow> parked_;
    std::int64_t next_parked_ = 1;
    std::map<std::string, const Session*, std::less<>> locks_;
    std::map<const Victim*, outbox::RelayFeed> feeds_;  // of each process
};

// The connection of one loop.
class Session final : public outbox::UnitOfWork {
public:
    Session(World& world, Database& database, Place place)
        : world_(world), database_(database), place_(place) {}
    ~Session() override { rollback(); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Instant begin() override;
    bool some_blocked() const override { return true; }  // each batch asks: one more crash point
    std::vector<std::string> blocked(std::span<const std::string_view> keys) override;
    std::optional<outbox::DueRecord> take_due(Instant now) override;
    void park(std::span<const outbox::ParkedRecord> records) override;
    bool retried(const outbox::Retried& retried) override;
    void commit(std::span<const outbox::OutgoingEvent> events) override;
    void rollback() noexcept override;

    World& world() { return world_; }
    const Place& place() const { return place_; }
    void set_step(Step step) { place_.step = step; }

    // The building blocks of the stores: a statement, a lock until the end, a write.
    void statement(Effect effect) { world_.reach_database(place_, effect); }
    void lock(const std::string& row);
    bool try_lock(const std::string& row);  // false: another session holds it
    bool holds(const std::string& row) const;
    void write(std::function<void()> change) { writes_.push_back(std::move(change)); }

    // Reports to the observer which events the handler received in this transaction, and which of
    // them it put aside.
    void handled(std::span<const kafka::Delivery> batch, const outbox::BatchOutput& out);

private:
    void append(std::span<const outbox::OutgoingEvent> events);
    void append_row(const std::optional<OrderId>& order, std::string topic,
                    std::optional<std::string> key, std::string type, std::string headers,
                    std::string data);

    World& world_;
    Database& database_;
    Place place_;
    std::vector<std::function<void()>> writes_;
    std::vector<std::string> locked_;
    std::vector<outbox::Announcement> announcements_;
    Commit doing_;
};

// The connection of one of the relay's threads. Its lock makes it the leader, of the saga's lane or
// of the announcements. The lock is lost with the connection, or when the session was idle for a
// while. As a ledger, it is the ledger of the saga's lane.
class LedgerSession final : public outbox::Ledger {
public:
    LedgerSession(World& world, Database& database, const Victim& victim,
                  bool announcements = false)
        : world_(world),
          database_(database),
          place_{&victim, database.service(), Step::relay},
          leader_(announcements ? database.announcer_ : database.leader_),
          feed_(database.feeds_[&victim]) {}
    ~LedgerSession() override { release(); }
    LedgerSession(const LedgerSession&) = delete;
    LedgerSession& operator=(const LedgerSession&) = delete;

    bool lead() override;
    std::int64_t checkpoint() override;
    std::string topic_id() override { return {}; }
    void set_topic_id(const std::string&, std::int64_t) override {}
    std::vector<outbox::LedgerRow> read(std::int64_t after, std::size_t limit) override;
    void move_checkpoint(std::int64_t from, std::int64_t to) override;
    bool held() const override { return held_; }
    void release() noexcept override;

private:
    friend class AnnouncementLedger;

    void statement(Effect effect);
    void check_lead() const;
    void move(std::int64_t& checkpoint, std::int64_t from, std::int64_t to, int republished);

    World& world_;
    Database& database_;
    const Place place_;
    const LedgerSession*& leader_;
    outbox::RelayFeed& feed_;  // of the process; the saga's lane takes its rows
    bool takes_rows_ = false;
    Instant last_used_{};
    int republished_ = 0;  // as of the last read of the checkpoint
    bool held_ = false;    // the same; of the saga's lane
};

// The lane of one topic of announcements. It uses the connection of the announcements.
class AnnouncementLedger final : public outbox::Ledger {
public:
    AnnouncementLedger(LedgerSession& session, std::string topic)
        : session_(session), topic_(std::move(topic)) {}

    // Returns those of these topics that have something to be sent.
    static std::vector<std::string> waiting(LedgerSession& session,
                                            const std::vector<std::string>& topics);

    bool lead() override { return session_.lead(); }
    std::int64_t checkpoint() override;
    std::string topic_id() override { return {}; }
    void set_topic_id(const std::string&, std::int64_t) override {}
    std::vector<outbox::LedgerRow> read(std::int64_t after, std::size_t limit) override;
    void move_checkpoint(std::int64_t from, std::int64_t to) override;
    void release() noexcept override {}

private:
    LedgerSession& session_;
    const std::string topic_;
    int republished_ = 0;
};

// A table with one row per order, saved by compare-and-set.
template <class Row>
class Table {
public:
    using Rows = outbox::Aggregates<OrderId, Row>;
    using Entries = std::vector<const typename Rows::Entry*>;
    struct Stored {
        Row row;
        std::int64_t version = 0;
    };

    explicit Table(std::string name) : name_(std::move(name)) {}

    const std::map<OrderId, Stored>& rows() const { return rows_; }

    Rows load(std::span<const OrderId> ids) const {
        Rows found;
        for (const OrderId& id : ids) {
            const auto row = rows_.find(id);
            if (row != rows_.end()) found.loaded(id, row->second.row, row->second.version);
        }
        return found;
    }

    // INSERT ... ON CONFLICT DO NOTHING; returns false if the row existed.
    bool insert(Session& session, const OrderId& id, const Row& row) {
        session.lock(name_ + id.to_string());
        if (rows_.contains(id)) return false;
        session.write([this, id, row] { rows_[id] = {row, 1}; });
        return true;
    }

    bool save(Session& session, const Rows& rows) {
        const auto changes = rows.changes();
        for (const auto* entry : changes.inserts) {
            if (!insert(session, entry->id, entry->row)) return false;
        }
        return update(session, changes.updates);
    }

    // UPDATE ... WHERE version = the loaded one; returns false if the row had changed since.
    bool update(Session& session, const Entries& entries) {
        for (const auto* entry : entries) {
            session.lock(name_ + entry->id.to_string());
            const auto stored = rows_.find(entry->id);
            if (stored == rows_.end() || stored->second.version != entry->version) return false;
            session.write([this, id = entry->id, row = entry->row, version = entry->version + 1] {
                rows_[id] = {row, version};
            });
        }
        return true;
    }

private:
    const std::string name_;
    std::map<OrderId, Stored> rows_;
};

}  // namespace orderflow::simulation
