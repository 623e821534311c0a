#pragma once
// One partition's log in the simulated broker. Offsets behave as in Kafka: each new log begins at
// zero, some offsets belong to markers that no consumer receives, and the records below `start` are
// gone. One thread.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "kafka/record.hpp"

namespace orderflow::simulation {

struct Log {
    struct Entry {
        std::optional<kafka::Record> record;  // empty: a transaction's marker
        Instant arrived;
    };

    std::string id;  // of the topic; a recreated topic has another id
    std::int64_t start = 0;
    std::vector<Entry> entries;  // by offset, including those that are gone

    std::int64_t end() const { return static_cast<std::int64_t>(entries.size()); }
    const Entry& at(std::int64_t offset) const {
        return entries.at(static_cast<std::size_t>(offset));
    }
};

}  // namespace orderflow::simulation
