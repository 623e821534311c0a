#pragma once
// What a service consumes: a named consumer group with its topics, its handler and its batching. A
// service may have several, each with loops, connections and a group of its own. Values.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/gathering.hpp"
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
    std::optional<GatherLimits> gather = {};         // empty: as the service is configured
    std::optional<kafka::FetchSettings> fetch = {};  // empty: as the service is configured
    kafka::Properties properties = {};               // of librdkafka, for these clients alone
};

}  // namespace orderflow::loops
