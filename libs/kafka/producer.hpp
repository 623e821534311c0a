#pragma once
// Events on their way to topics: the port `Producer`, and the idempotent producer behind it, over
// librdkafka's C API. Nothing here creates a topic (orderctl topics apply does). Used by the relay,
// on its thread; the simulator brings its own.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe/enum.hpp>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "events/catalog.hpp"
#include "kafka/settings.hpp"

namespace orderflow::kafka {

// An event as a record: the producer adds the CloudEvents headers.
struct Message {
    EventId event_id;
    std::string topic;
    std::optional<std::string> key;  // empty: null, and the event id decides on the partition
    std::string type;                // ce_type
    std::string headers;             // JSON object of strings
    std::string data;
    Instant recorded_at;
};

// Why a topic refuses an event.
BOOST_DEFINE_ENUM_CLASS(Refusal, gone, too_large, invalid, not_authorised, other)

// Returns whether the topic refuses the event itself, for example because it is too large.
inline bool is_about_the_event(Refusal why) {
    return why == Refusal::too_large || why == Refusal::invalid;
}

// The destination of events. Reports come in any order, but once for each token.
class Producer {
public:
    virtual ~Producer() = default;
    // False: the local queue is full; poll and try again.
    virtual bool produce(const Message& message, std::uint64_t token) = 0;
    struct Report {
        std::uint64_t token = 0;
        bool persisted = false;
        Refusal why = Refusal::other;  // if it is not persisted
        std::string_view error{};      // the same as a text, which is static
    };
    virtual std::vector<Report> reports() = 0;
    // Waits until every produced event is reported, at most `at_most`.
    virtual void flush(std::chrono::milliseconds at_most) = 0;
};

// An idempotent producer, acks=all, no timeout: an event is reported persisted, or refused by its
// topic, or the producer is destroyed. The destructor purges events that were not sent. An event to
// a deleted topic is refused after 3 s, unless the topic exists again by then.
std::unique_ptr<Producer> make_producer(const Settings& settings, events::Service producer);

// Checks that librdkafka can create such a producer: properties that are valid one by one may not
// fit together. Throws std::runtime_error with its reason. Does not connect.
void check_producer(const Settings& settings);

// The state of a topic, as the broker reports it.
struct TopicState {
    std::string id;  // of an existing topic; a recreated topic has another id
    std::int32_t partitions = 0;
    std::optional<Refusal> refusal;  // gone, not_authorised or other
    std::string error;               // the broker's text, if it refuses
};

// A producer for one topic, which can also request the state of this topic.
class TopicProducer : public Producer {
public:
    // Requests the topic's state, unless a request is open.
    virtual void ask() = 0;
    // Waits for the answer for at most this time. Empty: no answer yet, or none was possible:
    // request again.
    virtual std::optional<TopicState> answer(std::chrono::milliseconds at_most) = 0;
    // Reads the leaders of the topic's partitions. Otherwise the first event would have to wait for
    // them. Blocks.
    virtual void warm_up(std::chrono::milliseconds at_most) = 0;
    // Returns whether the broker has assigned the producer id; the first event also waits for this.
    // The result may be 250 ms old.
    virtual bool has_id() const = 0;
};

struct TopicProducerSettings {
    events::Service producer{};
    std::string topic;
    bool alone = false;    // one event per batch
    bool gapless = false;  // after a refusal it sends no more events to the partition
};
std::unique_ptr<TopicProducer> make_topic_producer(const Settings& settings,
                                                   const TopicProducerSettings& topic);

}  // namespace orderflow::kafka
