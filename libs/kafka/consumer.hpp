#pragma once
// A member of a consumer group behind the port RecordSource, over librdkafka's C API. Used by the
// consumer loops, each on its own thread.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "kafka/record.hpp"
#include "kafka/settings.hpp"

namespace orderflow::kafka {

class Membership;

// Returns whether a record can wait for others (GatherLimits::can_wait_time).
using CanWait = std::function<bool(const Record&)>;

// A member of the consumer group. Auto commit and auto offset store are off. It commits only
// offsets that processed() has named and offsets without records: asynchronously while it runs,
// synchronously when partitions are revoked and on close. On a rebalance it drops the records that
// it has polled from the lost partitions; they are delivered again, here or to another member. A
// commit carries the id of the topic. A topic that was recreated, while the group ran or while it
// did not, is read from its start (noticed within seconds). A client that stalls is replaced by a
// new one. It stalls if no record has arrived for 30 s, and two checks, 5 s apart, find the same:
// the broker has records for this member, or does not answer, or the group has not answered the
// member, or a partition belongs to no member. Throws std::runtime_error on a fatal client error.
// Without `can_wait`, no record can wait.
//
// A stop request ends hold() within 50 ms, and no other call. poll() returns after `idle`, or when
// its batch is gathered; while it gathers, it serves rebalances every 25 ms. close() waits up to
// 2 s for the ids of the topics and up to 2 s for the last commit, and then leaves the group.
class Consumer final : public RecordSource {
public:
    Consumer(Settings settings, std::vector<std::string> topics, FetchSettings fetch = {},
             CanWait can_wait = {});
    ~Consumer() override;

    std::vector<Record> poll(Gathering& gathering, std::chrono::milliseconds idle) override;
    void processed(const std::vector<Record>& records) override;
    bool hold(std::chrono::milliseconds time, std::stop_token stop) override;
    void close() override;

    // Returns whether the group has answered with an assignment, which may be of no partitions.
    bool joined() const;
    // How many answers of the brokers have come to the requests that it sends every few seconds.
    std::uint64_t answers() const;

    // For each of its partitions: the end of the log as of the last fetch, and the number of
    // records before it that are not processed. Partitions from which nothing was fetched yet are
    // left out.
    struct Lag {
        std::string topic;
        std::int32_t partition = 0;
        std::int64_t end = 0;
        std::int64_t lag = 0;
    };
    std::vector<Lag> lags() const;

private:
    void restart_if_stalled();
    void restart();
    void progressed();

    const Settings settings_;
    const std::vector<std::string> topics_;
    const FetchSettings fetch_;
    const CanWait can_wait_;
    std::unique_ptr<Membership> membership_;
    std::vector<Record> early_;  // came during hold()
    std::chrono::steady_clock::time_point last_progress_;
    std::chrono::steady_clock::time_point next_look_{};
    bool lagged_ = false;  // at the last check
};

}  // namespace orderflow::kafka
