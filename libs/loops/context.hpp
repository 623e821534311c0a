#pragma once
// The objects that the loops of one service share. Built by the service's host; copied into each
// loop. Any thread.
#include <stop_token>

#include <prometheus/registry.h>

#include "core/gate.hpp"
#include "core/pulse.hpp"
#include "core/start_steps.hpp"
#include "events/catalog.hpp"
#include "kafka/settings.hpp"
#include "outbox/relay_feed.hpp"
#include "postgres/connection.hpp"

namespace orderflow::loops {

// The objects that the loops of one service share.
struct Context {
    events::Service service{};
    postgres::Url database_url;
    kafka::Settings kafka;
    prometheus::Registry& registry;
    outbox::RelayFeed& relay_feed;
    // What a loop waits for before it begins; null: nothing. A loop that needs only its database
    // waits for `database` only.
    const Gate* database = nullptr;
    const Gate* topics = nullptr;
    StartSteps* start_steps = nullptr;  // shows the steps that are not done; may be null
    Pulse* kafka_pulse = nullptr;       // beats when the brokers answer; may be null

    // Block until the gate is open (true), or until a stop is requested (false).
    bool await_database(const std::stop_token& stop) const {
        return !database || database->wait(stop);
    }
    bool await_all(const std::stop_token& stop) const {
        return await_database(stop) && (!topics || topics->wait(stop));
    }
};

}  // namespace orderflow::loops
