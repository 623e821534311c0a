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

}  // namespace orderflow::loops
