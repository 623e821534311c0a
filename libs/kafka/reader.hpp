#pragma once
// Reads topics, groups and records from Kafka with a client that joins no group and commits
// nothing, so it leaves no trace. Used by analytics' Kafka page. Every call blocks, for `at_most`
// at the longest. It throws Unavailable if Kafka does not answer in time or refuses, and soon after
// a stop is requested. One thread.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "kafka/consumer.hpp"
#include "kafka/producer.hpp"
#include "kafka/settings.hpp"
#include "kafka/topics.hpp"
#include "kafka/record.hpp"
#include "kafka/topic_layout.hpp"

namespace orderflow::kafka {

// The offsets from `from` on and below `before`.
struct OffsetWindow {
    std::int64_t from = 0;
    std::int64_t before = 0;
    bool operator==(const OffsetWindow&) const = default;
};
// Of a partition that holds [start, end): the last `most` offsets below `before`.
OffsetWindow newest_below(std::int64_t before, std::int64_t most, std::int64_t start,
                          std::int64_t end);

struct TimedRecord {
    Record record;
    std::optional<Instant> time;  // the record's timestamp in Kafka
};
// Newest first. There are fewer records than offsets if some offsets have no record (transactions'
// markers, deleted records) or if the records are large: then `from` is the offset of the oldest
// record here.
struct LatestRecords {
    std::int64_t start = 0;  // of the partition
    std::int64_t end = 0;
    OffsetWindow window;
    std::vector<TimedRecord> records;  // must be destroyed before the reader
};

// nullptr: there is no such partition. Throws Unavailable while it cannot be read: it has no
// leader, or its start and end are unknown.
const PartitionState* readable_partition(const TopicDescription& topic, std::int32_t partition);

class Reader {
public:
    static constexpr std::size_t kMostBytes = 4 * 1024 * 1024;  // of an answer's records, about

    // Connects at the first request.
    explicit Reader(const Settings& settings, std::stop_token stop = {});
    ~Reader();

    bool is_stopping() const { return stop_.stop_requested(); }

    TopicDescriptions topics(const std::vector<std::string>& names,
                             std::chrono::milliseconds at_most);
    GroupPositions group(const std::string& name, const std::vector<std::string>& topics,
                         std::chrono::milliseconds at_most);
    // Empty: there is no such partition. Records of all transactions are returned, ended or not.
    std::optional<LatestRecords> records(const std::string& topic, std::int32_t partition,
                                         std::int64_t before, std::int64_t most,
                                         std::chrono::milliseconds at_most);

private:
    class Client;
    const std::stop_token stop_;
    std::unique_ptr<Client> client_;
};

}  // namespace orderflow::kafka
