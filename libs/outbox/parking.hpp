#pragma once
// Records that cannot be handled now, as values: why they are parked, and the outcome of a retry.
// parked_table.hpp stores them; loops/batch.hpp decides. Any thread.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "kafka/record.hpp"

namespace orderflow::outbox {

// Why a record is parked.
enum class Parking {
    dead,    // it cannot be read: for an operator
    failed,  // handling it failed: tried again later; later records of its key wait
    orphan,  // its order is unknown: tried again later. It waits for a later
             // record of its order, so it blocks no other
    behind,  // an earlier record of its key waits: it is tried after that record
};

struct ParkedRecord {
    const kafka::Record* record = nullptr;
    std::optional<OrderId> order_id;  // for searches; the order of waiting follows the key
    Parking why = Parking::dead;
    std::string error;  // "code: detail"
};

// A parked record that is due for another try.
struct DueRecord {
    std::int64_t id = 0;
    std::int32_t attempts = 0;  // failed so far
    std::optional<OrderId> order_id;
    kafka::Record record;
};

// The outcome of a try of a parked record: it is done, or is tried again later, or is dead.
struct Retried {
    const DueRecord* due = nullptr;
    std::string error;              // empty: done, the record is no longer parked
    std::optional<Instant> due_at;  // of a failed one; empty: it is dead

    bool done() const { return error.empty(); }
};

// How long to wait after the n-th failed attempt (n from 1); nullopt: no more tries.
std::optional<std::chrono::milliseconds> next_try_after(std::int32_t attempts);

}  // namespace orderflow::outbox
