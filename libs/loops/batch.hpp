#pragma once
// One batch: records in, one transaction, events out. Written once for all services and for the
// simulator. The order of its effects is the reason why nothing is lost or doubled: decode outside
// the transaction; load, decide, save by compare-and-set; park what cannot be handled; append to
// the outbox last; commit; only then may the offsets be committed. Runs on a consumer loop.
//
// A batch that fails because of what is in it, not because something is out of reach, is halved
// until the guilty record is found, and that one is parked. Records of the same order that come
// after it wait behind it; all others go on. retry_due() takes them up again.
#include <optional>
#include <span>

#include "events/catalog.hpp"
#include "kafka/delivery.hpp"
#include "loops/decode.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::loops {

// What a service does with a batch: load the aggregates, fold the events, save.
class BatchHandler {
public:
    virtual ~BatchHandler() = default;

    // Inside an open transaction. Handles the deliveries in order, adds what follows to `out`. Any
    // of them may have been handled before, by a transaction whose COMMIT was not answered; if so,
    // committed() was not called for it, and must now hand out what still follows from its row.
    // False: the compare-and-set was lost; the transaction is rolled back and the same batch is
    // handled again, so nothing may be kept from this attempt.
    virtual bool handle(Instant now, std::span<const kafka::Delivery> batch,
                        outbox::BatchOutput& out) = 0;

    // The attempt that handle() last worked on is committed: hand out what follows from it in
    // memory (payment's intents, notifications).
    virtual void committed() {}
};

// Runs one decoded batch to its end: each delivery is handled or parked. Throws when something is
// out of reach (see is_unreachable), after a rollback; the whole batch may then be run again.
BatchReport run_batch(outbox::UnitOfWork& work, BatchHandler& handler, const DecodedBatch& batch);

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
std::optional<Retry> retry_due(events::Service self, outbox::UnitOfWork& work,
                               BatchHandler& handler);

}  // namespace orderflow::loops
