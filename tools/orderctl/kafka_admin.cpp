// Part of facts_readers.hpp: reads the brokers' data about groups and topics.
#include <charconv>
#include <chrono>
#include <optional>
#include <thread>

#include "kafka/admin_request.hpp"
#include "kafka/asking_client.hpp"
#include "kafka/rdkafka.hpp"
#include "kafka/settings.hpp"
#include "orderctl/facts_readers.hpp"

namespace orderflow::orderctl {
namespace {

using kafka::ClientHandle;
using kafka::Options;

constexpr std::chrono::milliseconds kRequest{10'000};
constexpr int kAnswerMs = 2 * static_cast<int>(kRequest.count());
constexpr std::chrono::seconds kCoordinatorPatience{20};
constexpr std::chrono::milliseconds kAskAgain{500};

Retention retention_of(const rd_kafka_ConfigResource_t* topic, Retention retention) {
    std::size_t count = 0;
    const auto** entries = rd_kafka_ConfigResource_configs(topic, &count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view name = rd_kafka_ConfigEntry_name(entries[i]);
        const char* text = rd_kafka_ConfigEntry_value(entries[i]);
        if (!text) continue;
        const std::string_view value = text;
        if (name == "retention.ms") {
            std::from_chars(value.data(), value.data() + value.size(), retention.ms);
        }
        if (name == "retention.bytes") retention.by_size = !value.starts_with('-');
    }
    return retention;
}

}  // namespace

std::map<std::string, Retention> read_retention(const kafka::Settings& kafka) {
    std::map<std::string, Retention> retention;
    std::vector<rd_kafka_ConfigResource_t*> asked;
    for (const auto& topic : events::topics()) {
        const std::string name(topic.name);
        retention[name] = {topic.retention_ms, false};
        asked.push_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()));
    }
    const ClientHandle handle = kafka::make_asking_client(kafka);
    const Options options =
        kafka::options_for(handle.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, kRequest);
    const kafka::Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_DescribeConfigs(handle.get(), asked.data(), asked.size(), options.get(), queue.get());
    rd_kafka_ConfigResource_destroy_array(asked.data(), asked.size());
    const kafka::ClientEvent event(rd_kafka_queue_poll(queue.get(), kAnswerMs));
    if (!event || rd_kafka_event_error(event.get())) return retention;
    std::size_t count = 0;
    const auto** topics = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        if (rd_kafka_ConfigResource_error(topics[i])) continue;
        Retention& topic = retention[rd_kafka_ConfigResource_name(topics[i])];
        topic = retention_of(topics[i], topic);
    }
    return retention;
}

namespace {

// A broker that has just started without data must first choose the groups' coordinator.
bool will_pass(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
           code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

// nullopt: try again.
std::optional<std::vector<std::string>> ask_for_groups(const Endpoints& endpoints) {
    const ClientHandle handle = kafka::make_asking_client(endpoints.kafka());
    std::vector<const char*> names;
    for (const Service service : kServices) names.push_back(endpoints.group(service).c_str());
    const Options options =
        kafka::options_for(handle.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, kRequest);
    const kafka::Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_DescribeConsumerGroups(handle.get(), names.data(), names.size(), options.get(),
                                    queue.get());
    const kafka::ClientEvent event(rd_kafka_queue_poll(queue.get(), kAnswerMs));
    if (!event) throw CannotDo("Kafka: no answer about the consumer groups");
    if (will_pass(rd_kafka_event_error(event.get()))) return std::nullopt;
    if (rd_kafka_event_error(event.get())) {
        throw CannotDo(std::string("Kafka: ") + rd_kafka_event_error_string(event.get()));
    }
    std::size_t count = 0;
    const auto** groups = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
    std::vector<std::string> busy;
    for (std::size_t i = 0; i < count; ++i) {
        const rd_kafka_error_t* failed = rd_kafka_ConsumerGroupDescription_error(groups[i]);
        const auto code = failed ? rd_kafka_error_code(failed) : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (will_pass(code)) return std::nullopt;
        // A group that never existed has no members.
        if (code && code != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) {
            throw CannotDo(std::string("Kafka: ") + rd_kafka_error_string(failed));
        }
        if (rd_kafka_ConsumerGroupDescription_member_count(groups[i]) > 0) {
            busy.emplace_back(rd_kafka_ConsumerGroupDescription_group_id(groups[i]));
        }
    }
    return busy;
}

}  // namespace

std::vector<std::string> groups_with_members(const Endpoints& endpoints) {
    const auto give_up = std::chrono::steady_clock::now() + kCoordinatorPatience;
    for (;;) {
        if (auto busy = ask_for_groups(endpoints)) return std::move(*busy);
        if (std::chrono::steady_clock::now() > give_up) {
            throw CannotDo("Kafka: the consumer groups have no coordinator yet");
        }
        std::this_thread::sleep_for(kAskAgain);
    }
}

}  // namespace orderflow::orderctl
