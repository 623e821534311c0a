#pragma once
// Reads facts about topics, and about a consumer group's positions in them, from the brokers, over
// any client's handle. Used by consumers (to find out which log a topic has), by GroupWatch,
// `orderctl` and reader.hpp. Every call waits for answers. It throws NoAnswer if they do not come
// in time, or if a stop is requested.
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

// Such a client is never a member of a group, so nothing has to be closed first.
struct DestroyAsking {
    void operator()(rd_kafka_t* handle) const {
        rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
};
using ClientHandle = std::unique_ptr<rd_kafka_t, DestroyAsking>;

// A topic's id as 32 hexadecimal digits; empty for none.
std::string text_of(const rd_kafka_Uuid_t* id);

// A client that only sends requests. Technically it is a consumer that never subscribes: if a
// coordinator does not answer, librdkafka 2.8 uses the group of the requesting handle. A producer
// has no group, and librdkafka would crash.
ClientHandle make_asking_client(const Settings& settings);

// A client that stores its complaints for complaint_of(). It should be short-lived.
ClientHandle make_complaining_client(const Settings& settings);
// Why the brokers could not be used until now, in librdkafka's words ("SASL authentication error:
// …"). Empty: nothing was wrong. Does not wait.
std::string complaint_of(rd_kafka_t* handle);

// Sends the request; the answer comes to `queue` as an event for layouts_in().
void ask_for_layouts(rd_kafka_t* handle, const std::vector<std::string>& topics,
                     std::chrono::milliseconds at_most, rd_kafka_queue_t* queue);
// Topics that do not exist are left out. Empty: the event is an error.
std::optional<TopicLayouts> layouts_in(rd_kafka_event_t* event);

TopicLayouts read_layouts(rd_kafka_t* handle, const std::vector<std::string>& topics,
                          std::chrono::milliseconds at_most, const std::stop_token& stop = {});

// Returns all partitions of these topics, in any state; for a topic that cannot be read, the
// reason.
TopicDescriptions read_descriptions(rd_kafka_t* handle, const std::vector<std::string>& topics,
                                    std::chrono::milliseconds at_most,
                                    const std::stop_token& stop = {});

// Returns the positions of a group in all partitions of these topics.
GroupPositions read_group(rd_kafka_t* handle, const std::string& group,
                          const std::vector<std::string>& topics, std::chrono::milliseconds at_most,
                          const std::stop_token& stop = {});

}  // namespace orderflow::kafka
