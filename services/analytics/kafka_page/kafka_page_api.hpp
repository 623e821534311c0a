#pragma once
// Kafka as the page /kafka shows it: topics, groups and records, read only, and nothing of a record
// that is about a person. What asks Kafka blocks, so one thread of its own does, which starts with
// the first question; nobody who never looks pays for it. Handlers run on the io thread.
#include <chrono>
#include <exception>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "core/batch_queue.hpp"
#include "events/catalog.hpp"
#include "http/router.hpp"
#include "kafka/reader.hpp"
#include "kafka/settings.hpp"
#include "kafka/topic_layout.hpp"

namespace orderflow::analytics {

class KafkaWorker {
public:
    // Returns the body of an answer; it may take so long.
    using Task = std::function<std::string(kafka::Reader&, std::chrono::milliseconds)>;

    explicit KafkaWorker(kafka::Settings settings);
    ~KafkaWorker() { stop(); }

    // Runs `task` on the thread and resumes with what it returned. Throws Unavailable when Kafka
    // does not answer in time, or when too many wait already. On the io thread.
    boost::asio::awaitable<std::string> run(Task task);

    // Whoever waits, and whoever comes later, gets Unavailable soon, even from a frozen Kafka. On
    // the io thread, and so is stop(), which blocks until the thread has ended.
    void request_stop();
    void stop();

    // Of the service whose own group is `settings.group_id`, the others' are named alike.
    std::string group_of(events::Service service) const;

private:
    using Job = std::function<void(kafka::Reader&)>;
    struct Outcome {
        std::exception_ptr error;
        std::string body;
    };

    void serve(const std::stop_token& stop);

    const kafka::Settings settings_;
    BatchQueue<Job> jobs_;
    std::jthread thread_;  // last: it uses everything above
};

// GET /api/kafka/topics, /api/kafka/groups, /api/kafka/records?topic=&partition=&before=&limit=.
// `worker` must outlive the router.
void add_kafka_page_routes(http::Router& router, KafkaWorker& worker);

// A service's group, or why nothing is known of it.
struct ServiceGroup {
    events::Service service{};
    std::string name;
    kafka::GroupPositions positions;
    std::string trouble;
};

// The bodies of the answers.
std::string topics_json(const kafka::TopicDescriptions& topics);
std::string groups_json(std::span<const ServiceGroup> groups);
std::string records_json(std::string_view topic, std::int32_t partition,
                         const kafka::LatestRecords& latest);

}  // namespace orderflow::analytics
