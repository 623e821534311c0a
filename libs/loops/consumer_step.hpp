#pragma once
// The steps that a consumer loop repeats, without thread, clock or retry; the simulator calls them
// too. One thread.
#include <vector>

#include "kafka/record.hpp"
#include "loops/batch.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::loops {

class ConsumerStep {
public:
    // The arguments must outlive this object.
    ConsumerStep(events::Service self, kafka::RecordSource& source, outbox::UnitOfWork& work,
                 BatchHandler& handler, GatherLimits limits)
        : self_(self), source_(source), work_(work), handler_(handler), gathering_(limits) {}

    // Takes the waiting records; waits at most `idle` for a first one. False: nothing came, and
    // nothing is in hand. The records in hand must be handled or dropped before. Throws when the
    // source is broken.
    bool poll(std::chrono::milliseconds idle);

    // Handles the records in hand to their end and marks them as processed. Throws if something is
    // unavailable: all records are still in hand, to be handled again.
    BatchReport handle();

    // Drops the records in hand: their partitions were revoked, and they are delivered again, here
    // or elsewhere.
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

}  // namespace orderflow::loops
