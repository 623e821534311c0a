#pragma once
// The JSON documents of the page /kafka: topics, groups and records, without the parts of a record
// that are about a person. Pure; used by kafka_page_api.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "events/catalog.hpp"
#include "kafka/reader.hpp"
#include "kafka/topic_layout.hpp"

namespace orderflow::analytics {

// A service's group, or the reason why nothing is known about it.
struct ServiceGroup {
    events::Service service{};
    std::string name;
    kafka::GroupPositions positions;
    std::string trouble;
};

std::string topics_json(const kafka::TopicDescriptions& topics);
std::string groups_json(std::span<const ServiceGroup> groups);
std::string records_json(std::string_view topic, std::int32_t partition,
                         const kafka::LatestRecords& latest);

}  // namespace orderflow::analytics
