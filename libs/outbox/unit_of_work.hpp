#pragma once
// One transaction of one service: the service's rows, its parked records and the events that it
// appends to the outbox are committed together. `UnitOfWork` is a port: PostgreSQL
// (postgres_unit_of_work.hpp) or the simulator's store. Runs on a loop's thread.
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "events/events.hpp"
#include "kafka/delivery.hpp"
#include "outbox/parking.hpp"
#include "postgres/error.hpp"

namespace orderflow::outbox {

// An event on its way to the outbox. `traceparent` comes from the cause of the event; it may be
// empty.
struct OutgoingEvent {
    events::Event data;
    std::string traceparent;
};

// One transaction of one service. A port: PostgreSQL (postgres_unit_of_work.hpp) or the simulator's
// store. Every call may throw; then call rollback().
class UnitOfWork {
public:
    virtual ~UnitOfWork() = default;
    virtual Instant begin() = 0;  // returns the database's clock
    // Returns whether any parked record blocks later records of its key, as of the transaction's
    // begin. If not, blocked() need not be called.
    virtual bool some_blocked() const = 0;
    // Returns those of these record keys for which an earlier record waits.
    virtual std::vector<std::string> blocked(std::span<const std::string_view> keys) = 0;
    // Locks the parked record that is due first, among those that are next for their key and that
    // no other process has locked. After the commit, no other process takes it for a few seconds.
    virtual std::optional<DueRecord> take_due(Instant now) = 0;
    // Does not change a record that is parked already.
    virtual void park(std::span<const ParkedRecord> records) = 0;
    // Stores the outcome of a try. False: another process has tried the record since it was taken;
    // then nothing changes.
    virtual bool retried(const Retried& retried) = 0;
    // Commits, and appends these events and the announcements of parked and dead records to the
    // outbox as the last statement: under the outbox lock, so that rows are committed in the order
    // in which they were appended.
    virtual void commit(std::span<const OutgoingEvent> events) = 0;
    virtual void rollback() noexcept = 0;
};

// The effects of a batch, besides the service's own rows.
struct BatchOutput {
    std::vector<OutgoingEvent> events;
    std::vector<ParkedRecord> parked;

    void emit(events::Event event, const std::string& traceparent) {
        events.push_back({std::move(event), traceparent});
    }
    // Parks a delivery whose order is unknown here, and which does not carry the order.
    void orphan(const kafka::Delivery& delivery) {
        put_aside(delivery, Parking::orphan, "orphan: no such order");
    }
    void put_aside(const kafka::Delivery& delivery, Parking why, std::string error) {
        const OrderId* id = delivery.order_id();
        parked.push_back(
            {delivery.record, id ? std::optional(*id) : std::nullopt, why, std::move(error)});
    }
};

// True for a failure of the infrastructure: the same work will succeed later. Any other failure has
// its cause in the work itself.
bool is_unavailable(const std::exception& error);

// A compare-and-set was lost too often. Each loss means that another transaction made progress, so
// the same work will succeed later.
class LostTooOften final : public std::runtime_error {
public:
    LostTooOften() : std::runtime_error("compare-and-set lost too many times") {}
};

// The transaction around work from any source (records, HTTP, gateway results): `handle` fills
// `out`, and returns false for a lost compare-and-set. Returns the number of lost races.
template <class Handle>
std::size_t run_transaction(UnitOfWork& work, Handle handle) {
    constexpr std::size_t kAttempts = 50;  // each loss means that another instance made progress
    for (std::size_t lost = 0; lost < kAttempts; ++lost) {
        try {
            const Instant now = work.begin();
            BatchOutput out;
            if (handle(now, out)) {
                if (!out.parked.empty()) work.park(out.parked);
                work.commit(out.events);
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

}  // namespace orderflow::outbox
