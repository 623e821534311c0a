#pragma once
// The catalog's topics beside those that the brokers have, and how the one is brought to the other.
// Used by `orderctl topics` and by tests. Blocks until the brokers have answered.
#include <map>
#include <string>
#include <vector>

#include "events/catalog.hpp"
#include "kafka/settings.hpp"

namespace orderflow::orderctl {

// What the topics are to be, where it is not what the catalog says.
struct TopicWishes {
    int replication = 0;  // 0: the catalog's
    // By topic: Kafka's name of a setting → its value.
    std::map<std::string, std::map<std::string, std::string>> configs;
};

// One property of a topic that is not as wanted.
struct TopicDifference {
    std::string property;  // partitions, replication, retention.ms, …
    std::string wanted;
    std::string found;
    bool mended = false;
};

struct TopicStanding {
    std::string topic;
    bool there = false;  // before anything was done
    bool made = false;
    std::string error;  // Kafka's reason why it could not be made or looked at
    std::vector<TopicDifference> differences;
    bool as_wanted() const;
};

// All topics of the catalog. More partitions than the catalog's are no difference: its count is the
// minimum. Throws CannotDo if the brokers do not answer.
std::vector<TopicStanding> look_at_topics(const kafka::Settings& settings,
                                          const TopicWishes& wishes);

// Makes what is missing and sets what differs, but for partitions and replicas: new partitions give
// keys to other ones (orderctl topics grow does it without harm), replicas are moved by Kafka's own
// tools. What it found, with what it did.
std::vector<TopicStanding> apply_topics(const kafka::Settings& settings, const TopicWishes& wishes);

}  // namespace orderflow::orderctl
