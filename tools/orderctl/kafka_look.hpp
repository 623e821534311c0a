#pragma once
// Single requests to Kafka. One thread; blocks.
#include <chrono>
#include <string>
#include <vector>

#include "kafka/asking_client.hpp"
#include "kafka/rdkafka.hpp"
#include "kafka/settings.hpp"

namespace orderflow::orderctl {

// Throws CannotDo unless a broker answers within `patience`: most data come from the databases, and
// no user shall wait long for the rest.
void must_answer(const kafka::Settings& kafka, std::chrono::milliseconds patience);

// Returns the answer to an admin request that was sent to this queue. Throws CannotDo if none comes
// within half a minute, or if it is an error; `what` names the subject of the request.
kafka::ClientEvent answer_in(const kafka::Queue& queue, const char* what);

struct GroupNames {
    std::vector<std::string> names;
    std::string trouble;  // why some are missing: a broker did not answer; empty: none is missing
};
// Returns the names of the cluster's consumer groups, without those that the client may not
// describe. Each broker lists the groups that it coordinates, and has `patience` to answer. Throws
// CannotDo if the list of the brokers cannot be read.
GroupNames list_groups(const kafka::ClientHandle& client, std::chrono::milliseconds patience);

// Returns the topics in which the group has committed offsets, and those of which its members have
// partitions, sorted. Throws CannotDo.
std::vector<std::string> topics_of_group(const kafka::ClientHandle& client,
                                         const std::string& group);

}  // namespace orderflow::orderctl
