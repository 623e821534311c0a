#pragma once
// From records to deliveries. Envelope, type and data are checked outside the transaction, and
// records that cannot be read are set apart. Used by the consumer's batches. Pure; any thread.
#include <cstddef>
#include <span>
#include <vector>

#include "events/catalog.hpp"
#include "kafka/delivery.hpp"
#include "kafka/record.hpp"
#include "outbox/parking.hpp"

namespace orderflow::loops {

// Counts of one batch, for metrics and tests.
struct BatchReport {
    std::size_t records = 0;
    std::size_t deliveries = 0;
    std::size_t skipped = 0;     // not for this service
    std::size_t unknown = 0;     // the catalog does not have the type
    std::size_t doubles = 0;     // the same ce_id twice in the batch
    std::size_t dead = 0;        // undecodable
    std::size_t parked = 0;      // parked for a later try
    std::size_t lost_races = 0;  // compare-and-set attempts lost
    std::size_t emitted = 0;
};

// Records, sorted into those to handle and those to park. Views into `records`.
struct DecodedBatch {
    std::vector<kafka::Delivery> deliveries;
    std::vector<outbox::ParkedRecord> dead;
    BatchReport report;
};
DecodedBatch decode_batch(events::Service self, const std::vector<kafka::Record>& records);

// Returns whether the record can wait for others (GatherLimits::can_wait_time): `self` skips it, or
// it is an event of one of `kinds`.
bool can_wait(events::Service self, std::span<const events::EventKind> kinds,
              const kafka::Record& record);

}  // namespace orderflow::loops
