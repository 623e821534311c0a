#pragma once
// Kafka for tests: client and group names of their own, on shared topics. A test reads only the
// records of its own orders, so tests run in parallel. Each object belongs to one thread.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "events/catalog.hpp"
#include "kafka/producer.hpp"
#include "kafka/settings.hpp"
#include "support/builders.hpp"

namespace orderflow::test {

// Returns settings with a new client and group. The catalog's topics exist afterwards.
kafka::Settings fresh_kafka();

// Partition of a topic → offset.
using Offsets = std::map<std::pair<std::string, int>, std::int64_t>;

// Returns the present end offsets of the topics.
Offsets ends_of(const std::vector<std::string>& topics);

// Changes that an operator may make to a topic while programs use it. For tests that run alone.
void delete_topic(const std::string& topic);
void create_topic(const std::string& topic);  // as the catalog says
void set_max_message_bytes(const std::string& topic, int bytes);

// Makes the group begin at these offsets, instead of reading all records that other tests left.
void commit_offsets(const kafka::Settings& settings, const Offsets& offsets);
// fresh_kafka() for a consumer of `service` that begins at the present ends of the topics.
kafka::Settings fresh_group(events::Service service);

// Returns the offsets that the group has committed.
Offsets committed_offsets(const kafka::Settings& settings, events::Service service);

// Sends messages and waits until all are persisted. Only the headers that events have are sent;
// other headers are left out.
class Sender {
public:
    Sender();
    void send(const std::vector<Message>& messages);

private:
    std::unique_ptr<kafka::Producer> producer_;
};

// The same for one call: it creates a producer each time, which takes a while.
void send(const std::vector<Message>& messages);

// The records that a topic received since this object was created.
class TopicReader {
public:
    struct Arrival {
        std::string key;
        std::string event_id;
        int partition;
        std::int64_t offset;
    };

    explicit TopicReader(const std::string& topic);
    explicit TopicReader(const Offsets& from);
    ~TopicReader();

    // Reads until `enough(arrivals)` is true or nothing came for `patience`; returns all records so
    // far.
    const std::vector<Arrival>& read_until(
        const std::function<bool(const std::vector<Arrival>&)>& enough,
        std::chrono::milliseconds patience = std::chrono::seconds{20});

private:
    class Client;
    std::unique_ptr<Client> client_;
    std::vector<Arrival> arrivals_;
};

}  // namespace orderflow::test
