#include "orderctl/topics.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "kafka/asking_client.hpp"
#include "kafka/rdkafka.hpp"
#include "kafka/topic_reading.hpp"
#include "orderctl/connect.hpp"
#include "orderctl/kafka_look.hpp"

namespace orderflow::orderctl {
namespace {

using events::TopicSettings;
using kafka::ClientEvent;
using kafka::ClientHandle;
using kafka::Destroyer;
using kafka::Queue;
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroyer<&rd_kafka_NewTopic_destroy>>;
using Resource =
    std::unique_ptr<rd_kafka_ConfigResource_t, Destroyer<&rd_kafka_ConfigResource_destroy>>;
using Configs = std::map<std::string, std::string>;

constexpr std::chrono::milliseconds kAnswer{30'000};
// How long to wait until all brokers know a topic that was created a moment ago.
constexpr std::chrono::seconds kKnown{10};

int replication_of(const TopicSettings& topic, const TopicWishes& wishes) {
    return wishes.replication > 0 ? wishes.replication : topic.replication;
}

// Returns a topic's settings under Kafka's names. min.insync.replicas is at most the number of
// replicas minus one (and at least 1), so that one of them may be missing. A higher value would
// stop a topic that has fewer replicas than wanted.
Configs configs_of(const TopicSettings& topic, const TopicWishes& wishes, int replication) {
    Configs configs{{"cleanup.policy", "delete"},
                    {"max.message.bytes", std::to_string(topic.max_message_bytes)},
                    {"min.insync.replicas",
                     std::to_string(std::clamp(replication - 1, 1, topic.min_insync_replicas))},
                    {"retention.bytes", std::to_string(topic.retention_bytes)},
                    {"retention.ms", std::to_string(topic.retention_ms)}};
    const auto wished = wishes.configs.find(std::string(topic.name));
    if (wished == wishes.configs.end()) return configs;
    for (const auto& [name, value] : wished->second) configs[name] = value;
    return configs;
}

struct Described {
    int partitions = 0;
    int replication = 0;  // of the partition that has the fewest
    bool there = false;
    std::string error;
};

std::map<std::string, Described> describe(const ClientHandle& handle) {
    std::vector<std::string> names;
    for (const auto& topic : events::topics()) names.emplace_back(topic.name);
    const Queue queue(rd_kafka_queue_new(handle.get()));
    kafka::ask_for_layouts(handle.get(), names, kAnswer, queue.get());
    const ClientEvent event = answer_in(queue, "topics");
    std::size_t count = 0;
    const auto** topics = rd_kafka_DescribeTopics_result_topics(
        rd_kafka_event_DescribeTopics_result(event.get()), &count);
    std::map<std::string, Described> described;
    for (std::size_t i = 0; i < count; ++i) {
        Described& topic = described[rd_kafka_TopicDescription_name(topics[i])];
        const rd_kafka_error_t* error = rd_kafka_TopicDescription_error(topics[i]);
        if (error && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
            const bool gone = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
            if (!gone) topic.error = rd_kafka_error_string(error);
            continue;
        }
        topic.there = true;
        std::size_t partitions = 0;
        const auto** all = rd_kafka_TopicDescription_partitions(topics[i], &partitions);
        topic.partitions = static_cast<int>(partitions);
        for (std::size_t p = 0; p < partitions; ++p) {
            std::size_t replicas = 0;
            rd_kafka_TopicPartitionInfo_replicas(all[p], &replicas);
            const int found = static_cast<int>(replicas);
            topic.replication = p == 0 ? found : std::min(topic.replication, found);
        }
    }
    return described;
}

// Returns the settings of these topics as the brokers apply them, by topic.
std::map<std::string, Configs> read_configs(const ClientHandle& handle,
                                            const std::vector<std::string>& topics) {
    std::map<std::string, Configs> found;
    if (topics.empty()) return found;
    std::vector<Resource> asked;
    std::vector<rd_kafka_ConfigResource_t*> raw;
    for (const std::string& topic : topics) {
        asked.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
        raw.push_back(asked.back().get());
    }
    const Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_DescribeConfigs(handle.get(), raw.data(), raw.size(), nullptr, queue.get());
    const ClientEvent event = answer_in(queue, "the topics' settings");
    std::size_t count = 0;
    const auto** resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string topic = rd_kafka_ConfigResource_name(resources[i]);
        if (rd_kafka_ConfigResource_error(resources[i])) {
            throw CannotDo("Kafka: " + topic + ": " +
                           rd_kafka_ConfigResource_error_string(resources[i]));
        }
        std::size_t entries = 0;
        const auto** configs = rd_kafka_ConfigResource_configs(resources[i], &entries);
        for (std::size_t e = 0; e < entries; ++e) {
            const char* value = rd_kafka_ConfigEntry_value(configs[e]);
            found[topic][rd_kafka_ConfigEntry_name(configs[e])] = value ? value : "";
        }
    }
    return found;
}

void make(const ClientHandle& handle, std::vector<TopicStanding>& standings,
          const TopicWishes& wishes) {
    std::vector<NewTopic> topics;
    std::vector<rd_kafka_NewTopic_t*> raw;
    for (const TopicSettings& settings : events::topics()) {
        const bool wanted = std::ranges::any_of(standings, [&](const TopicStanding& standing) {
            return standing.topic == settings.name && !standing.there && standing.error.empty();
        });
        if (!wanted) continue;
        char error[256];
        topics.emplace_back(
            rd_kafka_NewTopic_new(std::string(settings.name).c_str(), settings.partitions,
                                  replication_of(settings, wishes), error, sizeof error));
        if (!topics.back()) throw CannotDo(error);
        for (const auto& [name, value] :
             configs_of(settings, wishes, replication_of(settings, wishes))) {
            rd_kafka_NewTopic_set_config(topics.back().get(), name.c_str(), value.c_str());
        }
        raw.push_back(topics.back().get());
    }
    if (raw.empty()) return;
    const Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_CreateTopics(handle.get(), raw.data(), raw.size(), nullptr, queue.get());
    const ClientEvent event = answer_in(queue, "new topics");
    std::size_t count = 0;
    const auto** results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto standing = std::ranges::find(standings, rd_kafka_topic_result_name(results[i]),
                                                &TopicStanding::topic);
        const auto error = rd_kafka_topic_result_error(results[i]);
        // Another program created it at the same time: that is as good.
        standing->made = !error || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
        if (standing->made) continue;
        const char* text = rd_kafka_topic_result_error_string(results[i]);
        standing->error = text ? text : rd_kafka_err2str(error);
    }
}

bool is_config(const TopicDifference& difference) {
    return difference.property != "partitions" && difference.property != "replication";
}

void set_configs(const ClientHandle& handle, std::vector<TopicStanding>& standings) {
    std::vector<Resource> resources;
    std::vector<rd_kafka_ConfigResource_t*> raw;
    for (const TopicStanding& standing : standings) {
        if (std::ranges::none_of(standing.differences, is_config)) continue;
        resources.emplace_back(
            rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, standing.topic.c_str()));
        for (const TopicDifference& difference : standing.differences) {
            if (!is_config(difference)) continue;
            rd_kafka_error_destroy(rd_kafka_ConfigResource_add_incremental_config(
                resources.back().get(), difference.property.c_str(),
                RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET, difference.wanted.c_str()));
        }
        raw.push_back(resources.back().get());
    }
    if (raw.empty()) return;
    const Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_IncrementalAlterConfigs(handle.get(), raw.data(), raw.size(), nullptr, queue.get());
    const ClientEvent event = answer_in(queue, "the topics' settings");
    std::size_t count = 0;
    const auto** results = rd_kafka_IncrementalAlterConfigs_result_resources(
        rd_kafka_event_IncrementalAlterConfigs_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto standing = std::ranges::find(standings, rd_kafka_ConfigResource_name(results[i]),
                                                &TopicStanding::topic);
        if (rd_kafka_ConfigResource_error(results[i])) {
            const char* text = rd_kafka_ConfigResource_error_string(results[i]);
            standing->error = text ? text : "";
            continue;
        }
        for (TopicDifference& difference : standing->differences) {
            if (is_config(difference)) difference.mended = true;
        }
    }
}

void await_made(const ClientHandle& handle, const std::vector<TopicStanding>& standings) {
    const auto until = std::chrono::steady_clock::now() + kKnown;
    const auto known = [&] {
        const auto described = describe(handle);
        return std::ranges::all_of(standings, [&](const TopicStanding& standing) {
            return !standing.made || described.at(standing.topic).there;
        });
    };
    while (!known() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
}

std::vector<TopicStanding> look(const ClientHandle& handle, const TopicWishes& wishes) {
    const auto described = describe(handle);
    std::vector<std::string> existing;
    for (const auto& [name, topic] : described) {
        if (topic.there) existing.push_back(name);
    }
    const auto configs = read_configs(handle, existing);
    std::vector<TopicStanding> standings;
    for (const TopicSettings& settings : events::topics()) {
        const std::string name(settings.name);
        const Described& found = described.at(name);
        TopicStanding& standing = standings.emplace_back();
        standing.topic = name;
        standing.there = found.there;
        standing.error = found.error;
        if (!found.there) continue;
        if (found.partitions < settings.partitions) {
            standing.differences.push_back({"partitions", std::to_string(settings.partitions),
                                            std::to_string(found.partitions)});
        }
        const int replication = replication_of(settings, wishes);
        if (found.replication != replication) {
            standing.differences.push_back(
                {"replication", std::to_string(replication), std::to_string(found.replication)});
        }
        for (const auto& [key, wanted] : configs_of(settings, wishes, found.replication)) {
            const auto entry = configs.at(name).find(key);
            const std::string value = entry == configs.at(name).end() ? "" : entry->second;
            if (value != wanted) standing.differences.push_back({key, wanted, value});
        }
    }
    return standings;
}

}  // namespace

bool TopicStanding::as_wanted() const {
    return (there || made) && error.empty() &&
           std::ranges::all_of(differences, &TopicDifference::mended);
}

std::vector<TopicStanding> look_at_topics(const kafka::Settings& settings,
                                          const TopicWishes& wishes) {
    return look(kafka::make_asking_client(settings), wishes);
}

std::vector<TopicStanding> apply_topics(const kafka::Settings& settings,
                                        const TopicWishes& wishes) {
    const ClientHandle handle = kafka::make_asking_client(settings);
    auto standings = look(handle, wishes);
    make(handle, standings, wishes);
    set_configs(handle, standings);
    await_made(handle, standings);
    return standings;
}

}  // namespace orderflow::orderctl
