#include "support/kafka.hpp"

#include <stdexcept>
#include <thread>

#include "kafka/rdkafka.hpp"
#include "orderctl/topics.hpp"
#include "outbox/relay.hpp"
#include "support/stack.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using kafka::Conf;

using kafka::Topics;
using Handle = std::unique_ptr<rd_kafka_t, kafka::Destroyer<&rd_kafka_destroy>>;

constexpr int kRequestMs = 10'000;

Handle consumer(const kafka::Settings& settings) {
    Conf conf = kafka::base_conf(settings, settings.client_id + "-probe");
    kafka::set(conf.get(), "group.id", settings.group_id);
    kafka::set(conf.get(), "enable.auto.commit", "false");
    kafka::set(conf.get(), "enable.auto.offset.store", "false");
    char error[256];
    Handle handle(rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), error, sizeof error));
    if (!handle) throw std::runtime_error(error);
    conf.release();  // owned by the handle now
    return handle;
}

void check(rd_kafka_resp_err_t error) {
    if (error) throw std::runtime_error(rd_kafka_err2str(error));
}

std::vector<std::string> topics_of(events::Service service) {
    const auto names = events::topics_consumed_by(service);
    return {names.begin(), names.end()};
}

int partitions_of(const std::string& topic) {
    for (const auto& settings : events::topics()) {
        if (settings.name == topic) return settings.partitions;
    }
    throw std::logic_error("no such topic");
}

Topics to_list(const Offsets& offsets) {
    Topics list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
    for (const auto& [where, offset] : offsets) {
        rd_kafka_topic_partition_list_add(list.get(), where.first.c_str(), where.second)->offset =
            offset;
    }
    return list;
}

std::string header(rd_kafka_message_t* message, const char* name) {
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(message, &headers)) return {};
    const void* value = nullptr;
    std::size_t size = 0;
    if (rd_kafka_header_get_last(headers, name, &value, &size)) return {};
    return {static_cast<const char*>(value), size};
}

}  // namespace

kafka::Settings fresh_kafka() {
    const std::string name = unique("test");
    const kafka::Settings settings{stack_setting("KAFKA_BROKERS"), name, name};
    // Other tests may be creating the same topics.
    static const bool created = [&] {
        orderctl::apply_topics(settings, {.replication = 1, .configs = {}});
        return true;
    }();
    static_cast<void>(created);
    return settings;
}

Offsets ends_of(const std::vector<std::string>& topics) {
    const Handle handle = consumer(fresh_kafka());
    Offsets ends;
    for (const std::string& topic : topics) {
        for (int partition = 0; partition < partitions_of(topic); ++partition) {
            std::int64_t low = 0;
            auto& high = ends[{topic, partition}];
            // A topic that was created a moment ago may have no leader yet.
            const auto deadline = std::chrono::steady_clock::now() + 20s;
            while (const auto error = rd_kafka_query_watermark_offsets(
                       handle.get(), topic.c_str(), partition, &low, &high, kRequestMs)) {
                if (std::chrono::steady_clock::now() > deadline) check(error);
            }
        }
    }
    return ends;
}

namespace {

using Queue = kafka::Queue;
using Event = kafka::ClientEvent;

// Waits for the answer to an admin request; returns the error of its only topic or resource.
rd_kafka_resp_err_t answer(const Queue& queue) {
    const Event event(rd_kafka_queue_poll(queue.get(), kRequestMs));
    if (!event) throw std::runtime_error("no answer");
    check(rd_kafka_event_error(event.get()));
    std::size_t count = 0;
    if (const auto* deleted = rd_kafka_event_DeleteTopics_result(event.get())) {
        return rd_kafka_topic_result_error(rd_kafka_DeleteTopics_result_topics(deleted, &count)[0]);
    }
    const auto* altered = rd_kafka_event_IncrementalAlterConfigs_result(event.get());
    return rd_kafka_ConfigResource_error(
        rd_kafka_IncrementalAlterConfigs_result_resources(altered, &count)[0]);
}

}  // namespace

void delete_topic(const std::string& topic) {
    const Handle handle = consumer(fresh_kafka());
    const Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_DeleteTopic_t* deleted = rd_kafka_DeleteTopic_new(topic.c_str());
    rd_kafka_DeleteTopics(handle.get(), &deleted, 1, nullptr, queue.get());
    rd_kafka_DeleteTopic_destroy(deleted);
    check(answer(queue));
}

// Also creates the other topics of the catalog that are missing.
void create_topic(const std::string& topic) {
    partitions_of(topic);  // throws if the topic is not in the catalog
    orderctl::apply_topics(fresh_kafka(), {.replication = 1, .configs = {}});
}

void set_max_message_bytes(const std::string& topic, int bytes) {
    const Handle handle = consumer(fresh_kafka());
    const Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_ConfigResource_t* config =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
    rd_kafka_error_destroy(rd_kafka_ConfigResource_add_incremental_config(
        config, "max.message.bytes", RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET,
        std::to_string(bytes).c_str()));
    rd_kafka_IncrementalAlterConfigs(handle.get(), &config, 1, nullptr, queue.get());
    rd_kafka_ConfigResource_destroy(config);
    check(answer(queue));
}

void commit_offsets(const kafka::Settings& settings, const Offsets& offsets) {
    const Handle handle = consumer(settings);
    const Topics list = to_list(offsets);
    check(rd_kafka_commit(handle.get(), list.get(), 0));
}

kafka::Settings fresh_group(events::Service service) {
    const kafka::Settings settings = fresh_kafka();
    commit_offsets(settings, ends_of(topics_of(service)));
    return settings;
}

Offsets committed_offsets(const kafka::Settings& settings, events::Service service) {
    const Handle handle = consumer(settings);
    Offsets offsets;
    for (const std::string& topic : topics_of(service)) {
        for (int p = 0; p < partitions_of(topic); ++p) offsets[{topic, p}] = 0;
    }
    const Topics list = to_list(offsets);
    check(rd_kafka_committed(handle.get(), list.get(), kRequestMs));
    for (int i = 0; i < list->cnt; ++i) {
        const auto& partition = list->elems[i];
        offsets[{partition.topic, partition.partition}] = partition.offset;
    }
    return offsets;
}

Sender::Sender() : producer_(kafka::make_producer(fresh_kafka(), events::Service::order)) {}

void Sender::send(const std::vector<Message>& messages) {
    std::uint64_t token = 0;
    std::size_t persisted = 0;
    const auto take_reports = [&] {
        for (const auto& report : producer_->reports()) {
            if (!report.persisted) throw std::runtime_error("a message was not persisted");
            ++persisted;
        }
    };
    for (Message message : messages) {
        outbox::LedgerRow row;
        row.event_id = EventId::parse(message.header("ce_id")).value();
        row.topic = message.topic;
        row.key = message.key;
        row.type = message.header("ce_type");
        row.data = message.value;
        row.recorded_at = kPlacedAt;
        while (!producer_->produce(row, token)) take_reports();
        ++token;
    }
    producer_->flush(30s);
    take_reports();
    if (persisted != messages.size()) throw std::runtime_error("messages without a report");
}

void send(const std::vector<Message>& messages) { Sender().send(messages); }

class TopicReader::Client {
public:
    explicit Client(const Offsets& from) : handle_(consumer(fresh_kafka())) {
        const Topics list = to_list(from);
        check(rd_kafka_assign(handle_.get(), list.get()));
        rd_kafka_poll_set_consumer(handle_.get());
    }

    // Returns false if no record came in time.
    bool read(std::vector<Arrival>& arrivals, std::chrono::milliseconds patience) {
        rd_kafka_message_t* message =
            rd_kafka_consumer_poll(handle_.get(), static_cast<int>(patience.count()));
        if (!message) return false;
        if (!message->err) {
            arrivals.push_back({{static_cast<const char*>(message->key), message->key_len},
                                header(message, "ce_id"),
                                message->partition,
                                message->offset});
        }
        rd_kafka_message_destroy(message);
        return true;
    }

private:
    Handle handle_;
};

TopicReader::TopicReader(const std::string& topic) : TopicReader(ends_of({topic})) {}
TopicReader::TopicReader(const Offsets& from) : client_(std::make_unique<Client>(from)) {}
TopicReader::~TopicReader() = default;

const std::vector<TopicReader::Arrival>& TopicReader::read_until(
    const std::function<bool(const std::vector<Arrival>&)>& enough,
    std::chrono::milliseconds patience) {
    while (!enough(arrivals_) && client_->read(arrivals_, patience)) {}
    return arrivals_;
}

}  // namespace orderflow::test
