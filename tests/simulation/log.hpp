#pragma once
// One partition's log in the simulated broker. Offsets are what they are in Kafka: they begin with
// zero in each log that is made, some of them belong to markers that nobody is given, and those
// below `start` are gone.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "kafka/record.hpp"

namespace orderflow::simulation {

struct Log {
    struct Entry {
        std::optional<kafka::Record> record;  // none: a transaction's marker
        Instant arrived;
    };

    std::string id;  // of the topic, as it was made
    std::int64_t start = 0;
    std::vector<Entry> entries;  // by offset, with those that are gone

    std::int64_t end() const { return static_cast<std::int64_t>(entries.size()); }
    const Entry& at(std::int64_t offset) const {
        return entries.at(static_cast<std::size_t>(offset));
    }
};

}  // namespace orderflow::simulation
