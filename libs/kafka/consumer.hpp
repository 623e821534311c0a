#pragma once
// A member of a consumer group behind the port RecordSource, over librdkafka's C API. Used by the
// consumer loops, each on its own thread.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "kafka/record.hpp"
#include "kafka/settings.hpp"

namespace orderflow::kafka {

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
class Consumer final : public RecordSource {
public:
    Consumer(Settings settings, std::vector<std::string> topics, FetchSettings fetch = {},
             OnFetch on_fetch = {});
    ~Consumer() override;

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

    const Settings settings_;
    const std::vector<std::string> topics_;
    const FetchSettings fetch_;
    const OnFetch on_fetch_;
    std::unique_ptr<Client> client_;
    std::vector<Record> early_;  // came during hold()
    std::chrono::steady_clock::time_point last_progress_;
    std::chrono::steady_clock::time_point next_look_{};
    bool lagged_ = false;  // when it looked last
};

}  // namespace orderflow::kafka
