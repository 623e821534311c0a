#pragma once
// Kafka as the page /kafka shows it: topics, groups and records, read only, and nothing of a record
// that is about a person. Requests to Kafka block, so they run on a separate thread, which starts
// with the first request: an instance whose page nobody opens has no such thread. Handlers run on
// the io thread.
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
    // Returns the body of an answer; may take at most this time.
    using Task = std::function<std::string(kafka::Reader&, std::chrono::milliseconds)>;

    explicit KafkaWorker(kafka::Settings settings);
    ~KafkaWorker() { stop(); }

    // Runs `task` on the thread and resumes with its result. Throws Unavailable if Kafka does not
    // answer in time, or if too many requests wait already. On the io thread.
    boost::asio::awaitable<std::string> run(Task task);

    // All present and later requests fail with Unavailable soon, even if Kafka is frozen. On the io
    // thread, and so is stop(), which blocks until the thread has ended.
    void request_stop();
    void stop();

    // The group of the service; analytics' own group is `settings.group_id`, the others are named
    // alike.
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

// A service's group, or the reason why nothing is known about it.
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
