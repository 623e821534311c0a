#pragma once
// Whether Kafka answers, before anything is asked that waits longer. One thread.
#include <chrono>

#include "messaging/kafka.hpp"

namespace orderflow::orderctl {

// Throws CannotDo unless a broker answers within `patience`: the databases know most of what there
// is to say, and nobody waits long for the rest.
void must_answer(const messaging::KafkaSettings& kafka, std::chrono::milliseconds patience);

}  // namespace orderflow::orderctl
