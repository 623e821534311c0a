#pragma once
// Requests the state of one topic on the handle of an existing client. Used inside libs/kafka only,
// on the client's thread.
#include <chrono>
#include <optional>
#include <string>

#include "kafka/consumer.hpp"
#include "kafka/producer.hpp"
#include "kafka/settings.hpp"
#include "kafka/topics.hpp"
#include "kafka/rdkafka.hpp"

namespace orderflow::kafka {

Refusal refusal_of(rd_kafka_resp_err_t error);

// Requests a topic's state without waiting. Must be destroyed before the handle.
class TopicQuery {
public:
    explicit TopicQuery(rd_kafka_t* handle);
    void ask(const std::string& topic);
    std::optional<TopicState> answer(std::chrono::milliseconds at_most);

private:
    rd_kafka_t* const handle_;
    const Queue answers_;
    bool asked_ = false;
};

}  // namespace orderflow::kafka
