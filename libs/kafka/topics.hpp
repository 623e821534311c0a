#pragma once
// Waiting for the topics that a service needs. Used by the start of each service.
#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "events/catalog.hpp"
#include "kafka/settings.hpp"

namespace orderflow::kafka {

// Why a topic is not there yet; without a topic: why none is, Kafka does not answer.
struct TopicProblem {
    std::string topic;
    std::string why;
};

// Waits until the topics are there that `service` emits to, announcements too, or consumes from:
// true; or until a stop is asked for: false. `look` gets what is still missing after each look, at
// the end nothing. Throws std::runtime_error for settings that cannot work.
bool await_topics(const Settings& settings, events::Service service, const std::stop_token& stop,
                  const std::function<void(std::span<const TopicProblem>)>& look);

}  // namespace orderflow::kafka
