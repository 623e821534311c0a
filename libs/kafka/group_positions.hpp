#pragma once
// What the brokers say about topics and about how far a consumer group is in them, over any
// client's handle. Used by consumers (which log is this?), the deadline's watch, `orderctl` and
// kafka/reader.hpp.
// Every call waits for answers and throws NoAnswer when they do not come in time, or when
// the stop is asked for.
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "kafka/consumer.hpp"
#include "kafka/producer.hpp"
#include "kafka/settings.hpp"
#include "kafka/topics.hpp"
#include "kafka/positions.hpp"
#include "kafka/rdkafka.hpp"
#include "kafka/topic_layout.hpp"

namespace orderflow::kafka {

struct NoAnswer : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Never a member of a group, so there is nothing to close first.
struct DestroyAsking {
    void operator()(rd_kafka_t* handle) const {
        rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
};
using ClientHandle = std::unique_ptr<rd_kafka_t, DestroyAsking>;

// A topic's id as 32 hexadecimal digits; empty for none.
std::string text_of(const rd_kafka_Uuid_t* id);

// A client that only asks. Technically a consumer that never subscribes: where a coordinator
// does not answer, librdkafka 2.8 reaches for the group of the asking handle, which a producer does
// not have, and crashes.
ClientHandle make_asking_client(const Settings& settings);

// One that keeps what it has to complain of, for complaint_of(); it should not live for long.
ClientHandle make_complaining_client(const Settings& settings);
// Why the brokers could not be used until now, in librdkafka's words ("SASL authentication error:
// …"). Empty: nothing was wrong. Does not wait.
std::string complaint_of(rd_kafka_t* handle);

// Sends the question; the answer comes to `queue` as an event for layouts_in().
void ask_for_layouts(rd_kafka_t* handle, const std::vector<std::string>& topics,
                     std::chrono::milliseconds at_most, rd_kafka_queue_t* queue);
// Topics that do not exist are left out. Empty: the event is an error.
std::optional<TopicLayouts> layouts_in(rd_kafka_event_t* event);

TopicLayouts read_layouts(rd_kafka_t* handle, const std::vector<std::string>& topics,
                          std::chrono::milliseconds at_most, const std::stop_token& stop = {});

// All partitions of these topics, of whatever state; a topic that cannot be seen says why.
TopicDescriptions read_descriptions(rd_kafka_t* handle, const std::vector<std::string>& topics,
                                    std::chrono::milliseconds at_most,
                                    const std::stop_token& stop = {});

// Where a group stands in all partitions of these topics.
GroupPositions read_group(rd_kafka_t* handle, const std::string& group,
                          const std::vector<std::string>& topics, std::chrono::milliseconds at_most,
                          const std::stop_token& stop = {});

}  // namespace orderflow::kafka
