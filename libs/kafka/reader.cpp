#include "kafka/reader.hpp"

#include <algorithm>
#include <deque>

#include "core/unavailable.hpp"
#include "kafka/asking_client.hpp"
#include "kafka/group_positions.hpp"
#include "kafka/topic_reading.hpp"

namespace orderflow::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLookForStop{50};

std::optional<Instant> time_of(const rd_kafka_message_t* message) {
    rd_kafka_timestamp_type_t type{};
    const std::int64_t ms = rd_kafka_message_timestamp(message, &type);
    if (ms < 0 || type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE) return std::nullopt;
    return Instant{std::chrono::duration_cast<Instant::duration>(milliseconds{ms})};
}

// The memory of a record, approximately: each header costs some, even if it is empty.
std::size_t bytes_of(const Record& record) {
    constexpr std::size_t kHeader = 128;
    std::size_t bytes = sizeof record + record.key.value_or("").size() + record.value.size();
    for (const auto& [name, value] : record.headers) bytes += kHeader + name.size() + value.size();
    return bytes;
}

// Assigns a partition to a client for the lifetime of this object.
class Assignment {
public:
    Assignment(rd_kafka_t* handle, const std::string& topic, std::int32_t partition,
               std::int64_t offset)
        : handle_(handle) {
        const Topics list(rd_kafka_topic_partition_list_new(1));
        rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
        if (const auto error = rd_kafka_assign(handle, list.get())) {
            throw NoAnswer(rd_kafka_err2str(error));
        }
    }
    ~Assignment() { rd_kafka_assign(handle_, nullptr); }
    Assignment(const Assignment&) = delete;
    Assignment& operator=(const Assignment&) = delete;

private:
    rd_kafka_t* const handle_;
};

// The time until which to wait for records, and the stop that ends it earlier.
struct Patience {
    steady_clock::time_point until;
    std::stop_token stop;
};

// The next record of the assigned partition; empty at its end.
std::optional<TimedRecord> next_record(rd_kafka_t* handle, const Patience& patience) {
    std::string trouble = "no record came in time";
    for (;;) {
        if (patience.stop.stop_requested()) throw NoAnswer("the process is stopping");
        if (steady_clock::now() >= patience.until) throw NoAnswer(trouble);
        rd_kafka_message_t* message =
            rd_kafka_consumer_poll(handle, static_cast<int>(kLookForStop.count()));
        if (!message) continue;
        if (!message->err) {
            const auto time = time_of(message);
            return TimedRecord{to_record(message), time};
        }
        const std::unique_ptr<rd_kafka_message_t, Destroyer<&rd_kafka_message_destroy>> failed(
            message);
        if (failed->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return std::nullopt;
        trouble = rd_kafka_message_errstr(failed.get());
    }
}

// Fills in the records of the window.
void read_window(rd_kafka_t* handle, const std::string& topic, std::int32_t partition,
                 const Patience& patience, LatestRecords& latest) {
    OffsetWindow& window = latest.window;
    if (window.from >= window.before) return;
    const Assignment assignment(handle, topic, partition, window.from);
    std::deque<TimedRecord> kept;
    std::size_t bytes = 0;
    for (;;) {
        auto next = next_record(handle, patience);
        if (!next || next->record.offset >= window.before) break;
        const bool last = next->record.offset == window.before - 1;
        bytes += bytes_of(next->record);
        kept.push_back(std::move(*next));
        while (bytes > Reader::kMostBytes && kept.size() > 1) {
            bytes -= bytes_of(kept.front().record);
            kept.pop_front();
            window.from = kept.front().record.offset;
        }
        if (last) break;
    }
    latest.records.assign(std::make_move_iterator(kept.rbegin()),
                          std::make_move_iterator(kept.rend()));
}

}  // namespace

OffsetWindow newest_below(std::int64_t before, std::int64_t most, std::int64_t start,
                          std::int64_t end) {
    const std::int64_t top = std::clamp(before, start, std::max(start, end));
    return {top - std::min(most, top - start), top};
}

const PartitionState* readable_partition(const TopicDescription& topic, std::int32_t partition) {
    const auto at = std::ranges::find(topic.partitions, partition, &PartitionState::partition);
    if (at == topic.partitions.end()) return nullptr;
    if (at->leader < 0) throw Unavailable("Kafka: the partition has no leader");
    if (!at->has_ends) throw Unavailable("Kafka: no answer to the request for the partition's end");
    return &*at;
}

class Reader::Client {
public:
    Client(const Settings& settings, std::stop_token stop)
        : settings_(settings), stop_(std::move(stop)) {}

    // Returns the result of `ask`. If a client got no answer, it is destroyed: a new one may find a
    // living broker.
    template <class Ask>
    auto answer(Ask ask) {
        try {
            if (stop_.stop_requested()) throw NoAnswer("the process is stopping");
            if (!handle_) handle_ = make_asking_client(settings_);
            return ask(handle_.get());
        } catch (const NoAnswer& error) {
            // Destroying the client may take two seconds while Kafka is frozen; a stop does not
            // wait for it.
            if (!stop_.stop_requested()) handle_.reset();
            throw Unavailable(std::string("Kafka: ") + error.what());
        }
    }

private:
    const Settings settings_;
    const std::stop_token stop_;
    ClientHandle handle_;
};

Reader::Reader(const Settings& settings, std::stop_token stop)
    : stop_(std::move(stop)), client_(std::make_unique<Client>(settings, stop_)) {}

Reader::~Reader() = default;

TopicDescriptions Reader::topics(const std::vector<std::string>& names, milliseconds at_most) {
    return client_->answer(
        [&](rd_kafka_t* handle) { return read_descriptions(handle, names, at_most, stop_); });
}

GroupPositions Reader::group(const std::string& name, const std::vector<std::string>& topics,
                             milliseconds at_most) {
    return client_->answer(
        [&](rd_kafka_t* handle) { return read_group(handle, name, topics, at_most, stop_); });
}

std::optional<LatestRecords> Reader::records(const std::string& topic, std::int32_t partition,
                                             std::int64_t before, std::int64_t most,
                                             milliseconds at_most) {
    const Patience patience{steady_clock::now() + at_most, stop_};
    return client_->answer([&](rd_kafka_t* handle) -> std::optional<LatestRecords> {
        const auto descriptions = read_descriptions(handle, {topic}, at_most, stop_);
        const PartitionState* at = readable_partition(descriptions.at(topic), partition);
        if (!at) return std::nullopt;
        const auto window = newest_below(before, most, at->start, at->end);
        LatestRecords latest{at->start, at->end, window, {}};
        read_window(handle, topic, partition, patience, latest);
        return latest;
    });
}

}  // namespace orderflow::kafka
