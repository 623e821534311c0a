#pragma once
// One batch: records in, one transaction, events out. Written once for all services and for the
// simulator. The order of its effects is the reason why nothing is lost or doubled: decode outside
// the transaction; load, decide, save by compare-and-set; park what cannot be handled; append to
// the outbox last; commit; only then may the offsets be committed. Runs on a consumer loop.
//
// A batch that fails because of what is in it, not because something is out of reach, is halved
// until the guilty record is found, and that one is parked. Records of the same order that come
// after it wait behind it; all others go on. retry_due() takes them up again.
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"
#include "events/catalog.hpp"
#include "events/codec.hpp"
#include "events/events.hpp"
#include "messaging/record.hpp"
#include "postgres/error.hpp"

namespace orderflow::messaging {

// An event on its way to the outbox. `traceparent` is carried on from what caused it, may be empty.
struct OutgoingEvent {
    events::Event data;
    std::string traceparent;
};

// A decoded record.
struct Delivery {
    events::Event event;
    EventId id;
    Instant time;  // when it was recorded by its producer
    std::string traceparent;
    const Record* record = nullptr;

    const OrderId* order_id() const { return events::order_of(event); }
};

// Why a record is put aside.
enum class Parking {
    dead,    // it cannot be read: for an operator
    failed,  // handling it failed: tried again later, and what follows of its order waits
    orphan,  // of an order that nobody knows: tried again later. What it waits for is a later
             // record of its order, so it holds up none
    behind,  // an earlier record of its order waits: its turn comes after that one
};

struct ParkedRecord {
    const Record* record = nullptr;
    std::optional<OrderId> order_id;
    Parking why = Parking::dead;
    std::string error;  // "code: detail"
};

// A parked record that is due for another try.
struct WaitingRecord {
    std::int64_t id = 0;
    std::int32_t attempts = 0;  // failed so far
    std::optional<OrderId> order_id;
    Record record;
};

// What became of a try: done, or once more later, or dead.
struct Retried {
    const WaitingRecord* waiting = nullptr;
    std::string error;              // empty: done, the record is no longer parked
    std::optional<Instant> due_at;  // of a failed one; empty: it is dead

    bool done() const { return error.empty(); }
};

// How long to wait after the n-th failed attempt (n from 1); nullopt: no more tries.
std::optional<std::chrono::milliseconds> next_try_after(std::int32_t attempts);

// One transaction of one service. A port: PostgreSQL (outbox.hpp) or the simulator's store. Every
// call may throw; then rollback().
class UnitOfWork {
public:
    virtual ~UnitOfWork() = default;
    virtual Instant begin() = 0;  // returns the database's clock
    // Those of `orders` of which an earlier record waits.
    virtual std::vector<OrderId> blocked(std::span<const OrderId> orders) = 0;
    // Locks the parked record that is due first and whose turn it is in its order, if nobody else
    // has it. Once committed, nobody else should take it for a few seconds.
    virtual std::optional<WaitingRecord> take_due(Instant now) = 0;
    // A record that is parked already stays as it is.
    virtual void park(std::span<const ParkedRecord> records) = 0;
    // False: another process has tried it since it was taken; then nothing is changed.
    virtual bool retried(const Retried& retried) = 0;
    // Must be the last call before commit(): it takes the outbox lock, which makes the order of
    // appending the order of committing. Announces what was parked and what died, too.
    virtual void append(std::span<const OutgoingEvent> events) = 0;
    virtual void commit() = 0;
    virtual void rollback() noexcept = 0;
};

// What a batch leads to besides the service's own rows.
struct BatchOutput {
    std::vector<OutgoingEvent> events;
    std::vector<ParkedRecord> parked;
    bool announces = false;  // something besides what is parked

    void emit(events::Event event, const std::string& traceparent) {
        events.push_back({std::move(event), traceparent});
    }
    // Puts a delivery aside whose order is unknown here, and which does not say what it was.
    void orphan(const Delivery& delivery) {
        put_aside(delivery, Parking::orphan, "orphan: no such order");
    }
    void put_aside(const Delivery& delivery, Parking why, std::string error) {
        const OrderId* id = delivery.order_id();
        parked.push_back(
            {delivery.record, id ? std::optional(*id) : std::nullopt, why, std::move(error)});
    }
};

// What a service does with a batch: load the aggregates, fold the events, save.
class BatchHandler {
public:
    virtual ~BatchHandler() = default;

    // Inside an open transaction. Handles the deliveries in order, adds what follows to `out`. Any
    // of them may have been handled before, by a transaction whose COMMIT was not answered; if so,
    // committed() was not called for it, and must now hand out what still follows from its row.
    // False: the compare-and-set was lost; the transaction is rolled back and the same batch is
    // handled again, so nothing may be kept from this attempt.
    virtual bool handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) = 0;

    // The attempt that handle() last worked on is committed: hand out what follows from it in
    // memory (payment's intents, notifications).
    virtual void committed() {}
};

// Counts of one batch, for metrics and tests.
struct BatchReport {
    std::size_t records = 0;
    std::size_t deliveries = 0;
    std::size_t skipped = 0;     // not for this service
    std::size_t unknown = 0;     // type unknown to the catalog
    std::size_t doubles = 0;     // the same ce_id twice in the batch
    std::size_t dead = 0;        // undecodable
    std::size_t parked = 0;      // put aside for a later try
    std::size_t lost_races = 0;  // compare-and-set attempts lost
    std::size_t emitted = 0;
};

// Records sorted into what is handled and what is put aside. Views into `records`.
struct DecodedBatch {
    std::vector<Delivery> deliveries;
    std::vector<ParkedRecord> dead;
    BatchReport report;
};
DecodedBatch decode_batch(events::Service self, const std::vector<Record>& records);

// Runs one decoded batch to its end: each delivery is handled or parked. Throws when something is
// out of reach (see is_unreachable), after a rollback; the whole batch may then be run again.
BatchReport run_batch(UnitOfWork& work, BatchHandler& handler, const DecodedBatch& batch);

// What the committed try of a parked record came to.
enum class Retry {
    done,       // it is no longer parked
    failed,     // it will be tried again
    died,       // it will not
    overtaken,  // another process had it at the same time, and that one's try counts
};

// Tries one parked record again, alone; nullopt: none is due. Throws like run_batch(). As a batch's
// offsets follow its commit, so the record leaves the table only after what follows from it was
// handed out: after a COMMIT of unknown outcome, or a kill, it is tried again.
std::optional<Retry> retry_due(events::Service self, UnitOfWork& work, BatchHandler& handler);

// True for a failure of the infrastructure: the same work will succeed later. Anything else lies in
// the work itself.
bool is_unreachable(const std::exception& error);

// A compare-and-set was lost again and again: the others make progress, so this too will succeed
// later.
class LostTooOften final : public std::runtime_error {
public:
    LostTooOften() : std::runtime_error("compare-and-set lost too often") {}
};

// The transaction around work that came by any way (records, HTTP, gateway results): `handle`
// fills `out` and returns false for a lost compare-and-set. Returns the number of lost races.
template <class Handle>
std::size_t run_transaction(UnitOfWork& work, Handle handle) {
    constexpr std::size_t kAttempts = 50;  // each loss means that another instance made progress
    for (std::size_t lost = 0; lost < kAttempts; ++lost) {
        try {
            const Instant now = work.begin();
            BatchOutput out;
            if (handle(now, out)) {
                if (!out.parked.empty()) work.park(out.parked);
                const bool announces = out.announces || !out.parked.empty();
                if (announces || !out.events.empty()) work.append(out.events);
                work.commit();
                return lost;
            }
        } catch (const postgres::DatabaseError& error) {
            work.rollback();
            if (!error.deadlock()) throw;  // a deadlock: the other one won, as in a lost race
            continue;
        } catch (...) {
            work.rollback();
            throw;
        }
        work.rollback();
    }
    throw LostTooOften();
}

template <class T, class Work, class Guilty>
void bisect_failed(std::span<T> items, const std::string& what, Work& work, Guilty& guilty);

// Runs `work` on all of `items`, and when that fails because of what they hold, on halves of them
// and so on, down to the guilty ones, which go to `guilty(item, what)`. The order is kept. Throws
// when something is out of reach; then it may be begun again if doing an item twice is harmless.
template <class T, class Work, class Guilty>
void bisect(std::span<T> items, Work& work, Guilty& guilty) {
    std::string what;
    try {
        return work(items);
    } catch (const std::exception& error) {
        if (is_unreachable(error) || items.empty()) throw;
        what = error.what();
    }
    bisect_failed(items, what, work, guilty);
}

// The same for items, one at least, of which all together have just failed with `what`.
template <class T, class Work, class Guilty>
void bisect_failed(std::span<T> items, const std::string& what, Work& work, Guilty& guilty) {
    if (items.size() == 1) return guilty(items.front(), what);
    bisect(items.first(items.size() / 2), work, guilty);
    bisect(items.subspan(items.size() / 2), work, guilty);
}

}  // namespace orderflow::messaging
