#pragma once
// What a service consumes: a named consumer group with its topics, its handler and its batching. A
// service may have several, each with loops and connections of its own. They share no group and no
// topic, so that a parked record is tried again by the handler that parked it. Values.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/gathering.hpp"
#include "events/catalog.hpp"
#include "kafka/properties.hpp"
#include "kafka/settings.hpp"
#include "loops/batch.hpp"
#include "postgres/connection.hpp"

namespace orderflow::loops {

struct Subscription {
    // Makes the handler that works on a loop's own connection, on that loop's thread.
    using MakeHandler = std::function<std::unique_ptr<BatchHandler>(postgres::Connection&)>;

    std::string name = {};                 // in the log and in the metrics
    std::string group = {};                // empty: the group of the service's settings
    std::vector<std::string> topics = {};  // empty: those on which the catalog lists events for it
    MakeHandler make_handler = {};
    // Events from which no next step of the saga follows. Under load they wait for up to 100 ms
    // until an event comes that cannot wait, and share its transaction.
    std::vector<events::EventKind> can_wait = {};
    std::optional<GatherLimits> gather = {};         // empty: as the service is configured
    std::optional<kafka::FetchSettings> fetch = {};  // empty: as the service is configured
    kafka::Properties properties = {};               // of librdkafka, for these clients alone
};

inline std::vector<std::string> topics_of(const Subscription& subscription,
                                          events::Service service) {
    if (!subscription.topics.empty()) return subscription.topics;
    const auto names = events::topics_consumed_by(service);
    return {names.begin(), names.end()};
}

}  // namespace orderflow::loops
