#pragma once
// Compares the catalog's topics with the brokers' topics, and makes the brokers' equal to the
// catalog's. Used by `orderctl topics` and by tests. One thread; blocks until the brokers have
// answered.
#include <map>
#include <string>
#include <vector>

#include "events/catalog.hpp"
#include "kafka/settings.hpp"

namespace orderflow::orderctl {

// The wanted settings of the topics where they differ from the catalog.
struct TopicWishes {
    int replication = 0;  // 0: the catalog's
    // By topic: Kafka's name of a setting → its value.
    std::map<std::string, std::map<std::string, std::string>> configs;
};

// One property of a topic that differs from the wanted value.
struct TopicDifference {
    std::string property;  // partitions, replication, retention.ms, …
    std::string wanted;
    std::string found;
    bool mended = false;
};

struct TopicStanding {
    std::string topic;
    bool there = false;  // before anything was changed
    bool made = false;
    std::string error;  // Kafka's reason why it could not be created or read
    std::vector<TopicDifference> differences;
    bool as_wanted() const;
};

// Looks at all topics of the catalog. More partitions than in the catalog are not a difference: the
// catalog's number is the minimum. Throws CannotDo if the brokers do not answer.
std::vector<TopicStanding> look_at_topics(const kafka::Settings& settings,
                                          const TopicWishes& wishes);

// Creates missing topics and changes settings that differ, except for partitions and replicas: with
// new partitions keys move to other partitions (orderctl topics grow does this without harm), and
// replicas are moved by Kafka's own tools. Returns what it found and what it did.
std::vector<TopicStanding> apply_topics(const kafka::Settings& settings, const TopicWishes& wishes);

}  // namespace orderflow::orderctl
