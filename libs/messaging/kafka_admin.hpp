#pragma once
// Looking at one topic and making it, on the handle of a client that lives anyway; inside
// libs/messaging only.
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "messaging/kafka.hpp"
#include "messaging/rdkafka.hpp"

namespace orderflow::messaging {

Refusal refusal_of(rd_kafka_resp_err_t error);

// As the catalog says. Empty: it is there now; otherwise why not. Blocks up to 2 s.
std::string create_topic(rd_kafka_t* handle, std::string_view name, int replication);

// Asks for a topic's state without waiting. To be destroyed before the handle.
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

}  // namespace orderflow::messaging
