#pragma once
// Kafka behind the ports RecordSource and Producer, over librdkafka's C API. Nothing here creates a
// topic (orderctl topics apply does). Each object belongs to one thread.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "events/catalog.hpp"
#include "messaging/kafka_properties.hpp"
#include "messaging/record.hpp"
#include "messaging/relay.hpp"

namespace orderflow::messaging {

struct KafkaSettings {
    std::string brokers;  // host:port,host:port
    std::string client_id;
    std::string group_id;  // consumers only
    KafkaProperties properties = {};
};

// How long the broker lets a fetch wait for how much. The default answers at the first byte.
struct FetchSettings {
    int min_bytes = 1;
    std::chrono::milliseconds max_wait{500};
};

// Sees what a consumer has fetched: for logs, metrics and tests.
using OnFetch = std::function<void(std::span<const Record>)>;

// A member of the consumer group. Auto commit and auto offset store are off: offsets are committed
// only for what processed() named and for what is no record, asynchronously while running,
// synchronously when partitions are taken away and on close. On a rebalance what was polled from
// the lost partitions is dropped and comes again, here or at another member. A commit carries the
// id of the topic; a topic that was made anew, while the group ran or while it did not, is read
// from its start (noticed within seconds). If nothing arrives for 30 s, and for 5 s more although
// the broker has more, or although partitions are assigned to nobody, the client is thrown away and
// made anew. Throws std::runtime_error on a fatal client error.
// `on_fetch` gets what each poll() has taken, before anybody handles it, on the polling thread.
class KafkaConsumer final : public RecordSource {
public:
    KafkaConsumer(KafkaSettings settings, std::vector<std::string> topics, FetchSettings fetch = {},
                  OnFetch on_fetch = {});
    ~KafkaConsumer() override;

    std::vector<Record> poll(Gathering& gathering, std::chrono::milliseconds idle) override;
    void processed(const std::vector<Record>& records) override;
    bool hold(std::chrono::milliseconds time, std::stop_token stop) override;
    void close() override;

    // Its group has given it its partitions, or none of them.
    bool joined() const;
    // How often the brokers have answered what it asks them every few seconds.
    std::uint64_t answers() const;

    // Of each of its partitions: where the log ends, as the last fetch said, and how many records
    // before that are not processed. Not of those that it has fetched nothing from yet.
    struct Lag {
        std::string topic;
        std::int32_t partition = 0;
        std::int64_t end = 0;
        std::int64_t lag = 0;
    };
    std::vector<Lag> lags() const;

private:
    class Client;
    void restart_if_stalled();
    void restart();
    void progressed();

    const KafkaSettings settings_;
    const std::vector<std::string> topics_;
    const FetchSettings fetch_;
    const OnFetch on_fetch_;
    std::unique_ptr<Client> client_;
    std::vector<Record> early_;  // came during hold()
    std::chrono::steady_clock::time_point last_progress_;
    std::chrono::steady_clock::time_point next_look_{};
    bool lagged_ = false;  // when it looked last
};

// An idempotent producer, acks=all, no timeout: an event is reported persisted, or refused by its
// topic, or the producer is destroyed. Destroying it purges what was not sent. A topic that is gone
// refuses after 3 s, unless it is back by then.
std::unique_ptr<Producer> make_kafka_producer(const KafkaSettings& settings,
                                              events::Service producer);

// Whether librdkafka makes such a producer: properties that are each fine may not fit together.
// Throws std::runtime_error with its reason. Connects nowhere.
void check_producer(const KafkaSettings& settings);

// Why a topic is not there yet; without a topic: why none is, Kafka does not answer.
struct TopicProblem {
    std::string topic;
    std::string why;
};

// What the broker says of a topic.
struct TopicState {
    std::string id;                  // of one that is there; another one after it was made anew
    std::optional<Refusal> refusal;  // gone, not_authorised, other, and the broker's words
    std::string error;
};

// The same for one topic only, which it can look at.
class TopicProducer : public Producer {
public:
    // Asks for the topic's state, if it has not asked yet.
    virtual void ask() = 0;
    // The answer, for which it waits so long; empty: none yet, or none could be had: ask again.
    virtual std::optional<TopicState> answer(std::chrono::milliseconds at_most) = 0;
    // Learns who leads the topic's partitions, which a first event would have to wait for. Blocks.
    virtual void warm_up(std::chrono::milliseconds at_most) = 0;
    // The broker has given it its id, the other thing to wait for; as of the last 250 ms.
    virtual bool has_id() const = 0;
};

struct TopicProducerSettings {
    events::Service producer{};
    std::string topic;
    bool alone = false;    // one event per batch
    bool gapless = false;  // after a refusal it sends nothing more to the partition
};
std::unique_ptr<TopicProducer> make_topic_producer(const KafkaSettings& settings,
                                                   const TopicProducerSettings& topic);

// Waits until the topics are there that `service` emits to, announcements too, or consumes from:
// true; or until a stop is asked for: false. `look` gets what is still missing after each look, at
// the end nothing. Throws std::runtime_error for settings that cannot work.
bool await_topics(const KafkaSettings& settings, events::Service service,
                  const std::stop_token& stop,
                  const std::function<void(std::span<const TopicProblem>)>& look);

}  // namespace orderflow::messaging
