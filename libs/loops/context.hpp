#pragma once
// What the loops of one service share. Built by the service's host; copied into each loop.
#include <stop_token>

#include <prometheus/registry.h>

#include "core/gate.hpp"
#include "core/pulse.hpp"
#include "core/start_steps.hpp"
#include "core/wake_up.hpp"
#include "events/catalog.hpp"
#include "kafka/consumer.hpp"
#include "kafka/settings.hpp"
#include "postgres/connection.hpp"

namespace orderflow::loops {

// What the loops of one service share.
struct Context {
    events::Service service{};
    postgres::Url database_url;
    kafka::Settings kafka;
    prometheus::Registry& registry;
    WakeUp& relay_wake_up;
    // What a loop waits for before it begins; null: it is there. A loop that waits for nothing but
    // its database asks for `database` only.
    const Gate* database = nullptr;
    const Gate* topics = nullptr;
    StartSteps* start_steps = nullptr;  // shows what is not done yet, if anybody asks
    kafka::OnFetch on_fetch = {};       // of all consumers, each on its own thread
    Pulse* kafka_pulse = nullptr;       // beats when the brokers answer, if anybody looks

    // Block until it is there, or a stop is asked for: then false.
    bool await_database(const std::stop_token& stop) const {
        return !database || database->wait(stop);
    }
    bool await_all(const std::stop_token& stop) const {
        return await_database(stop) && (!topics || topics->wait(stop));
    }
};

}  // namespace orderflow::loops
