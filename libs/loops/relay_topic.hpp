#pragma once
// The common parts of the relay's threads: finding a lane's topic, logging its refusals, metrics.
// Inside libs/loops only; on their threads.
#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "kafka/consumer.hpp"
#include "kafka/producer.hpp"
#include "kafka/settings.hpp"
#include "kafka/topics.hpp"
#include "outbox/postgres_ledger.hpp"
#include "outbox/relay.hpp"

namespace orderflow::loops {

struct RelayMetrics {
    explicit RelayMetrics(prometheus::Registry& registry);
    void count(const std::string& topic, kafka::Refusal why);

    prometheus::Counter &relayed, &restarts;
    prometheus::Family<prometheus::Counter>&refusals, &skipped, &remade;
    prometheus::Family<prometheus::Gauge>& seq;
    prometheus::Gauge &read_seq, &confirmed_seq, &lag_rows, &lag_seconds, &held;
};

void log_refusal(const std::string& topic, const outbox::Refused& refused,
                 std::chrono::milliseconds pause);

// Waits until the topic exists, and returns its id. Empty: a stop is requested, or no answer by
// `until`, or `alive`, which is called every 200 ms, has returned false. Throws Refused, also if
// the topic does not exist after a second.
std::string find_topic(kafka::TopicProducer& producer, const std::stop_token& stop,
                       std::chrono::steady_clock::time_point until,
                       const std::function<bool()>& alive);

// For the lane to `topic`, which exists with this id: calls Relay::meet_topic() and logs a
// recreated topic.
void meet_topic(outbox::PostgresLedger& ledger, const std::string& topic, const std::string& id,
                bool send_again, RelayMetrics& metrics);

}  // namespace orderflow::loops
