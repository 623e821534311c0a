#pragma once
// The thread that sends the requests of the page /kafka to Kafka, because these block. It starts
// with the first request: an instance whose page nobody opens has no such thread. Used by
// kafka_page_api.
#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include <boost/asio/awaitable.hpp>

#include "core/batch_queue.hpp"
#include "events/catalog.hpp"
#include "kafka/reader.hpp"
#include "kafka/settings.hpp"

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

    void serve(const std::stop_token& stop);

    const kafka::Settings settings_;
    BatchQueue<Job> jobs_;
    std::jthread thread_;  // last: it uses everything above
};

}  // namespace orderflow::analytics
