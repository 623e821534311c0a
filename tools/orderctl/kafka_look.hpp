#pragma once
// What Kafka answers to those who ask it once. One thread.
#include <chrono>

#include "kafka/settings.hpp"
#include "kafka/rdkafka.hpp"

namespace orderflow::orderctl {

// Throws CannotDo unless a broker answers within `patience`: the databases know most of what there
// is to say, and nobody waits long for the rest.
void must_answer(const kafka::Settings& kafka, std::chrono::milliseconds patience);

// The answer to an administrator's question that was sent to this queue. Throws CannotDo if none
// comes within half a minute, or if it is an error; `what` was asked about.
kafka::ClientEvent answer_in(const kafka::Queue& queue, const char* what);

}  // namespace orderflow::orderctl
