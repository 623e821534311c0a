#pragma once
// Single requests to Kafka. One thread; blocks.
#include <chrono>

#include "kafka/settings.hpp"
#include "kafka/rdkafka.hpp"

namespace orderflow::orderctl {

// Throws CannotDo unless a broker answers within `patience`: most data come from the databases, and
// no user shall wait long for the rest.
void must_answer(const kafka::Settings& kafka, std::chrono::milliseconds patience);

// Returns the answer to an admin request that was sent to this queue. Throws CannotDo if none comes
// within half a minute, or if it is an error; `what` names the subject of the request.
kafka::ClientEvent answer_in(const kafka::Queue& queue, const char* what);

}  // namespace orderflow::orderctl
