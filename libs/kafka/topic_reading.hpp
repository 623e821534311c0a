#pragma once
// Reads from the brokers what topics there are, with their ids and partitions, over any client's
// handle. Used by consumers (to find out which log a topic has), by the waits for topics, by
// reader.hpp and `orderctl`; on the client's thread.
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "kafka/rdkafka.hpp"
#include "kafka/topic_layout.hpp"

namespace orderflow::kafka {

// A topic's id as 32 hexadecimal digits; empty for none.
std::string text_of(const rd_kafka_Uuid_t* id);

// Sends the request; the answer comes to `queue` as an event for layouts_in().
void ask_for_layouts(rd_kafka_t* handle, const std::vector<std::string>& topics,
                     std::chrono::milliseconds at_most, rd_kafka_queue_t* queue);
// Topics that do not exist are left out. Empty: the event is an error.
std::optional<TopicLayouts> layouts_in(rd_kafka_event_t* event);

// Sends the request and waits. Throws NoAnswer (asking_client.hpp), also if a stop is requested.
TopicLayouts read_layouts(rd_kafka_t* handle, const std::vector<std::string>& topics,
                          std::chrono::milliseconds at_most, const std::stop_token& stop = {});

// Returns all partitions of these topics, in any state; for a topic that cannot be read, the
// reason. Waits and throws like read_layouts().
TopicDescriptions read_descriptions(rd_kafka_t* handle, const std::vector<std::string>& topics,
                                    std::chrono::milliseconds at_most,
                                    const std::stop_token& stop = {});

}  // namespace orderflow::kafka
