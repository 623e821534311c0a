#pragma once
// Waiting for the topics that a service needs. Used by the start of each service.
#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "events/catalog.hpp"
#include "kafka/settings.hpp"

namespace orderflow::kafka {

// Why a topic does not exist yet. Without a topic: Kafka does not answer.
struct TopicProblem {
    std::string topic;
    std::string why;
};

// Waits until all topics exist that `service` consumes or emits to, including announcements, and
// returns true; returns false if a stop is requested. After each check it calls `look` with the
// topics that are still missing, at the end with none. Throws std::runtime_error for settings that
// cannot work.
bool await_topics(const Settings& settings, events::Service service, const std::stop_token& stop,
                  const std::function<void(std::span<const TopicProblem>)>& look);

}  // namespace orderflow::kafka
