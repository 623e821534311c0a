#include "support/own_topic.hpp"

#include <stdexcept>

#include "kafka/asking_client.hpp"
#include "kafka/group_positions.hpp"
#include "kafka/rdkafka.hpp"
#include "kafka/settings.hpp"
#include "kafka/topic_reading.hpp"
#include "support/builders.hpp"
#include "support/eventually.hpp"
#include "support/stack.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using kafka::ClientEvent;
using kafka::ClientHandle;
using kafka::Destroyer;
using kafka::Queue;
using Error = std::unique_ptr<rd_kafka_error_t, Destroyer<&rd_kafka_error_destroy>>;

constexpr int kRequestMs = 20'000;

void check(rd_kafka_resp_err_t error) {
    if (error) throw std::runtime_error(rd_kafka_err2str(error));
}
void check(rd_kafka_error_t* raw) {
    const Error error(raw);
    if (error) throw std::runtime_error(rd_kafka_error_string(error.get()));
}

ClientHandle asking() {
    return kafka::make_asking_client({stack_setting("KAFKA_BROKERS"), "own-topic", ""});
}

// Sends an admin request and waits for its answer.
template <class Send>
ClientEvent ask(const ClientHandle& handle, Send send) {
    const Queue queue(rd_kafka_queue_new(handle.get()));
    send(queue.get());
    ClientEvent event(rd_kafka_queue_poll(queue.get(), kRequestMs));
    if (!event) throw std::runtime_error("no answer");
    check(rd_kafka_event_error(event.get()));
    return event;
}

std::int32_t partitions_of(const std::string& topic) {
    const ClientHandle handle = asking();
    const auto layouts = kafka::read_layouts(handle.get(), {topic}, 10s);
    const auto found = layouts.find(topic);
    return found == layouts.end() ? 0 : found->second.partitions;
}

}  // namespace

class OwnTopic::Producer {
public:
    Producer(std::string topic, const std::string& transactional_id) : topic_(std::move(topic)) {
        const kafka::Settings settings{stack_setting("KAFKA_BROKERS"), "", ""};
        kafka::Conf conf = kafka::base_conf(settings, "own-topic");
        if (!transactional_id.empty()) {
            kafka::set(conf.get(), "transactional.id", transactional_id);
            kafka::set(conf.get(), "transaction.timeout.ms", "300000");
        }
        char error[256];
        handle_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), error, sizeof error));
        if (!handle_) throw std::runtime_error(error);
        conf.release();  // owned by the handle now
        if (!transactional_id.empty()) check(rd_kafka_init_transactions(handle_.get(), kRequestMs));
    }

    void send(int partition, int records) {
        for (int i = 0; i < records; ++i) {
            check(rd_kafka_producev(handle_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()),
                                    RD_KAFKA_V_PARTITION(partition),
                                    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                    RD_KAFKA_V_VALUE(const_cast<char*>("x"), 1), RD_KAFKA_V_END));
        }
        check(rd_kafka_flush(handle_.get(), kRequestMs));
    }
    void begin() { check(rd_kafka_begin_transaction(handle_.get())); }
    void commit() { check(rd_kafka_commit_transaction(handle_.get(), kRequestMs)); }

private:
    const std::string topic_;
    std::unique_ptr<rd_kafka_t, Destroyer<&rd_kafka_destroy>> handle_;
};

OwnTopic::OwnTopic(int partitions)
    : name_(unique("own-topic")), transactional_id_(unique("transaction")) {
    create(partitions);
}
OwnTopic::~OwnTopic() {
    transactional_.reset();
    try {
        remove();
    } catch (const std::exception&) {  // a test may have removed it
    }
}

void OwnTopic::create(int partitions) {
    const ClientHandle handle = asking();
    ask(handle, [&](rd_kafka_queue_t* queue) {
        char error[256];
        auto* topic = rd_kafka_NewTopic_new(name_.c_str(), partitions, 1, error, sizeof error);
        rd_kafka_CreateTopics(handle.get(), &topic, 1, nullptr, queue);
        rd_kafka_NewTopic_destroy(topic);
    });
    if (!eventually(20s, [&] { return partitions_of(name_) == partitions; })) {
        throw std::runtime_error("the topic is not there");
    }
    producer_ = std::make_unique<Producer>(name_, "");
}

void OwnTopic::remove() {
    producer_.reset();
    const ClientHandle handle = asking();
    ask(handle, [&](rd_kafka_queue_t* queue) {
        auto* topic = rd_kafka_DeleteTopic_new(name_.c_str());
        rd_kafka_DeleteTopics(handle.get(), &topic, 1, nullptr, queue);
        rd_kafka_DeleteTopic_destroy(topic);
    });
    if (!eventually(20s, [&] { return partitions_of(name_) == 0; })) {
        throw std::runtime_error("the topic is still there");
    }
}

void OwnTopic::grow(int partitions) {
    const ClientHandle handle = asking();
    ask(handle, [&](rd_kafka_queue_t* queue) {
        char error[256];
        auto* more = rd_kafka_NewPartitions_new(name_.c_str(), static_cast<std::size_t>(partitions),
                                                error, sizeof error);
        rd_kafka_CreatePartitions(handle.get(), &more, 1, nullptr, queue);
        rd_kafka_NewPartitions_destroy(more);
    });
    producer_ = std::make_unique<Producer>(name_, "");
}

void OwnTopic::delete_records(int partition) {
    const ClientHandle handle = asking();
    ask(handle, [&](rd_kafka_queue_t* queue) {
        const kafka::Topics list(rd_kafka_topic_partition_list_new(1));
        rd_kafka_topic_partition_list_add(list.get(), name_.c_str(), partition)->offset =
            RD_KAFKA_OFFSET_END;
        auto* deleted = rd_kafka_DeleteRecords_new(list.get());
        rd_kafka_DeleteRecords(handle.get(), &deleted, 1, nullptr, queue);
        rd_kafka_DeleteRecords_destroy(deleted);
    });
}

void OwnTopic::send(int partition, int records) { producer_->send(partition, records); }

void OwnTopic::send_in_transaction(int partition, int records) {
    begin_transaction(partition, records);
    commit_transaction();
}

void OwnTopic::begin_transaction(int partition, int records) {
    if (!transactional_) transactional_ = std::make_unique<Producer>(name_, transactional_id_);
    transactional_->begin();
    transactional_->send(partition, records);
}

void OwnTopic::commit_transaction() { transactional_->commit(); }

std::int64_t OwnTopic::end(int partition) const {
    const ClientHandle handle = asking();
    const auto group = kafka::read_group(handle.get(), name_, {name_}, 10s);
    for (const auto& at : group.partitions) {
        if (at.partition == partition) return at.end;
    }
    throw std::runtime_error("no such partition");
}

}  // namespace orderflow::test
