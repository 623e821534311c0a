#pragma once
// How a request to the brokers is sent over any client's handle, and its answer awaited. Used
// inside libs/kafka; orderctl uses options_for().
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "kafka/rdkafka.hpp"
#include "kafka/topic_layout.hpp"

namespace orderflow::kafka {

using Options = std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<&rd_kafka_AdminOptions_destroy>>;
using Place = std::pair<std::string, std::int32_t>;  // topic and partition
using Reasons = std::map<Place, std::string>;

// The time that is left for all answers together, and the stop that ends it earlier.
class TimeLeft {
public:
    TimeLeft(std::chrono::milliseconds at_most, const std::stop_token& stop)
        : until_(std::chrono::steady_clock::now() + at_most), stop_(stop) {}
    std::chrono::milliseconds ms() const;  // at least 1
    bool is_stopping() const { return stop_.stop_requested(); }

private:
    const std::chrono::steady_clock::time_point until_;
    const std::stop_token stop_;
};

Options options_for(rd_kafka_t* handle, rd_kafka_admin_op_t operation,
                    std::chrono::milliseconds at_most);

// Waits for the answer in `queue`. Throws NoAnswer if there is none in time, if it is an error, or
// if a stop is requested.
ClientEvent taken_from(const Queue& queue, const TimeLeft& left, const char* what);

// Sends a request and waits for its answer.
template <class Send>
ClientEvent answer_to(rd_kafka_t* handle, rd_kafka_admin_op_t operation, const TimeLeft& left,
                      const char* what, Send send) {
    const Options options = options_for(handle, operation, left.ms());
    const Queue queue(rd_kafka_queue_new(handle));
    send(options.get(), queue.get());
    return taken_from(queue, left, what);
}

Topics list_of(const TopicLayouts& topics, std::int64_t offset);

// Returns the offsets of one kind (`spec`) of all partitions for which the broker returns them. For
// the other partitions, `unknown` has the reason.
std::map<Place, std::int64_t> read_offsets(rd_kafka_t* handle, const TopicLayouts& topics,
                                           std::int64_t spec, rd_kafka_IsolationLevel_t isolation,
                                           const TimeLeft& left, Reasons& unknown);

}  // namespace orderflow::kafka
