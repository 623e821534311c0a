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

    // Takes what is waiting, at most `idle` for a first record; false: nothing came, and nothing is
    // in hand. What is in hand must be handled or dropped first. Throws when the source is broken.
    bool poll(std::chrono::milliseconds idle);

    // Handles what is in hand to its end and marks it as processed. Throws when something is out of
    // reach: all is still in hand, to be handled again.
    BatchReport handle();

    // Forgets what is in hand: its partitions were taken away, and it comes again, here or
    // elsewhere.
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
