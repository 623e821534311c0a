#pragma once
// Reads a consumer group's positions in its topics from the brokers, over any client's handle. Used
// by consumers, GroupWatch, reader.hpp and `orderctl`, on the client's thread.
#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "kafka/rdkafka.hpp"
#include "kafka/topic_layout.hpp"

namespace orderflow::kafka {

// Returns the positions of a group in all partitions of these topics. Waits for the answers; throws
// NoAnswer (asking_client.hpp) if they do not come in time, or if a stop is requested.
GroupPositions read_group(rd_kafka_t* handle, const std::string& group,
                          const std::vector<std::string>& topics, std::chrono::milliseconds at_most,
                          const std::stop_token& stop = {});

}  // namespace orderflow::kafka
