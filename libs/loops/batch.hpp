#pragma once
// One batch: records in, one transaction, events out. Written once for all services and for the
// simulator. The order of its effects is the reason why nothing is lost or doubled: decode outside
// the transaction; load, decide, save by compare-and-set; park records that cannot be handled;
// append to the outbox last; commit; only then commit the offsets. Runs on a consumer loop.
//
// If a batch fails because of one of its records, and not because something is unavailable, it is
// halved until the guilty record is found, and that record is parked. Later records with the same
// key wait behind it; all others go on. retry_due() tries parked records again.
#include <optional>
#include <span>
#include <vector>

#include "events/catalog.hpp"
#include "kafka/delivery.hpp"
#include "kafka/record.hpp"
#include "loops/decode.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::loops {

// The part of a batch that a service defines: load the aggregates, fold the events, save.
class BatchHandler {
public:
    virtual ~BatchHandler() = default;

    // Called inside an open transaction. Handles the deliveries in order and adds the results to
    // `out`. Any delivery may have been handled before, by a transaction whose COMMIT got no
    // answer. In that case committed() was not called for it. So handle() must prepare again what
    // follows from the row. Example: payment finds its intent in the row, and committed() submits
    // the call. False: the compare-and-set was lost; the transaction is rolled back and the same
    // batch is handled again, so nothing of this attempt may be kept.
    virtual bool handle(Instant now, std::span<const kafka::Delivery> batch,
                        outbox::BatchOutput& out) = 0;

    // The last attempt of handle() is committed: pass on its results in memory. Example: payment
    // submits the calls to the gateway.
    virtual void committed() {}
};

// Runs one decoded batch to its end: each delivery is handled or parked. Throws if something is
// unavailable (see is_unavailable), after a rollback; the whole batch may then run again.
BatchReport run_batch(outbox::UnitOfWork& work, BatchHandler& handler, const DecodedBatch& batch);

// The steps that a consumer loop repeats, without thread, clock or retry.
class ConsumerStep {
public:
    // The arguments must outlive this object.
    ConsumerStep(events::Service self, kafka::RecordSource& source, outbox::UnitOfWork& work,
                 BatchHandler& handler, GatherLimits limits)
        : self_(self), source_(source), work_(work), handler_(handler), gathering_(limits) {}

    // Takes the waiting records; waits at most `idle` for a first one. The records of the last poll
    // must be handled or dropped before. False: no record came. Throws if the source is broken.
    bool poll(std::chrono::milliseconds idle);

    // Handles the polled records to their end and marks them as processed. Throws if something is
    // unavailable; then all records are kept, and handle() must be called again.
    BatchReport handle();

    // Drops the polled records: their partitions were revoked, and they are delivered again, here
    // or to another member.
    void drop();

private:
    const events::Service self_;
    kafka::RecordSource& source_;
    outbox::UnitOfWork& work_;
    BatchHandler& handler_;
    Gathering gathering_;
    std::vector<kafka::Record> records_;
    DecodedBatch batch_;  // views into records_
};

// The outcome of a parked record's committed try.
enum class Retry {
    done,       // it is no longer parked
    failed,     // it will be tried again
    died,       // it will not
    overtaken,  // another process tried it at the same time, and that try counts
};

// Tries one parked record again, alone; nullopt: none is due. Throws like run_batch(). The record
// is removed from the table only after committed(), just as a batch's offsets are committed only
// after its transaction. So the record is tried again after a COMMIT of unknown outcome, or a kill.
std::optional<Retry> retry_due(events::Service self, outbox::UnitOfWork& work,
                               BatchHandler& handler);

}  // namespace orderflow::loops
