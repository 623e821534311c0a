#pragma once
// One batch: records in, one transaction, events out. Written once for all services and for the
// simulator. The order of its effects is the reason why nothing is lost or doubled: decode outside
// the transaction; load, decide, save by compare-and-set; park what cannot be decoded; append to
// the outbox last; commit; only then may the offsets be committed. Runs on a consumer loop.
#include <cstdint>
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

// A record that is put aside; `dead` ones wait for an operator.
struct ParkedRecord {
    const Record* record = nullptr;
    std::optional<OrderId> order_id;
    bool dead = false;
    std::string error;  // "code: detail"
};

// One transaction of one service. A port: PostgreSQL (outbox.hpp) or the simulator's store.
class UnitOfWork {
public:
    virtual ~UnitOfWork() = default;
    virtual Instant begin() = 0;  // returns the database's clock
    virtual void park(std::span<const ParkedRecord> records) = 0;
    // Must be the last call before commit(): it takes the outbox lock, which makes the order of
    // appending the order of committing.
    virtual void append(std::span<const OutgoingEvent> events) = 0;
    virtual void commit() = 0;
    virtual void rollback() noexcept = 0;
};

// What a batch leads to besides the service's own rows.
struct BatchOutput {
    std::vector<OutgoingEvent> events;
    std::vector<ParkedRecord> parked;

    void emit(events::Event event, const std::string& traceparent) {
        events.push_back({std::move(event), traceparent});
    }
    // Puts a delivery aside for an operator; `error` is "code: detail".
    void bury(const Delivery& delivery, std::string error) {
        const OrderId* id = delivery.order_id();
        parked.push_back({delivery.record, id ? std::optional(*id) : std::nullopt, true,
                          std::move(error)});
    }
};

// What a service does with a batch: load the aggregates, fold the events, save.
class BatchHandler {
public:
    virtual ~BatchHandler() = default;

    // Inside an open transaction. Handles the deliveries in order, adds what follows to `out`.
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
    std::size_t skipped = 0;       // not for this service
    std::size_t unknown = 0;       // type unknown to the catalog
    std::size_t doubles = 0;       // the same ce_id twice in the batch
    std::size_t dead = 0;          // undecodable, or refused by the handler
    std::size_t lost_races = 0;    // compare-and-set attempts lost
    std::size_t emitted = 0;
};

// Records sorted into what is handled and what is put aside. Views into `records`.
struct DecodedBatch {
    std::vector<Delivery> deliveries;
    std::vector<ParkedRecord> dead;
    BatchReport report;
};
DecodedBatch decode_batch(events::Service self, const std::vector<Record>& records);

// Runs one decoded batch to its commit. Throws what the unit of work or the handler throws, after a
// rollback: the whole batch may then be run again.
BatchReport run_batch(UnitOfWork& work, BatchHandler& handler, const DecodedBatch& batch);

// The same transaction around work that came by another way (HTTP, gateway results): `handle`
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
                if (!out.events.empty()) work.append(out.events);
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
    throw std::runtime_error("compare-and-set lost too often");
}

}  // namespace orderflow::messaging
