#pragma once
// One membership in a consumer group: a librdkafka consumer from its subscription until it leaves,
// with its positions and its commits. A Consumer has one at a time and replaces it. Used inside
// libs/kafka only, on the thread that polls; the callbacks run inside poll on that thread.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kafka/consumer.hpp"
#include "kafka/positions.hpp"
#include "kafka/rdkafka.hpp"
#include "kafka/record.hpp"
#include "kafka/settings.hpp"
#include "kafka/topic_layout.hpp"

namespace orderflow::kafka {

// Requests the topics' ids again and again, without waiting for the answers. Must be destroyed
// before the handle.
class LogWatch {
public:
    LogWatch(rd_kafka_t* handle, const std::vector<std::string>& topics);
    void ask_soon() { next_ = {}; }
    // The answer, if one has come since the last call.
    std::optional<TopicLayouts> look();

private:
    rd_kafka_t* const handle_;
    const std::vector<std::string>& topics_;
    const Queue answers_;
    bool asked_ = false;
    std::chrono::steady_clock::time_point next_{};
};

class Membership {
public:
    // Subscribes. `topics` must outlive this object. Throws std::runtime_error or
    // std::invalid_argument for settings that librdkafka refuses.
    Membership(const Settings& settings, const std::vector<std::string>& topics,
               const FetchSettings& fetch);
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;

    // Returns one record; nullopt if none came in time. Throws if the client is broken.
    std::optional<Record> poll_one(std::chrono::milliseconds wait);
    // Whether partitions were revoked since the last call.
    bool take_revoked() { return std::exchange(revoked_, false); }
    // Checks whether the member reads the logs to which the group's committed offsets belong.
    // False: one of them is another log, because its topic was recreated. The offset at which to
    // begin in it is then committed, and a new client must begin there. Call it only while no
    // polled record waits to be handled.
    bool reads_right_logs();
    void pause(bool on);

    void processed(const Record& record);
    void commit_if_due();
    // Leaves the group at once. If the broker does not answer in time, the group notices it by the
    // session timeout, and records that were not committed are delivered again.
    void close();

    bool joined() const { return !expects_assignment_; }
    std::uint64_t answers() const { return answers_; }
    std::vector<Consumer::Lag> partition_lags() const;
    // Returns true if the broker has records that this member should have received, if the group
    // has not answered the member (an assignment of no partitions is an answer), or if some
    // partitions are assigned to no member.
    bool lags();

private:
    using Place = std::pair<std::string, std::int32_t>;
    // Does not close first: close() does that. While no broker is available, closing must not
    // happen at all (librdkafka 2.8 may crash in LeaveGroup).
    struct Destroy {
        void operator()(rd_kafka_t* handle) const {
            rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        }
    };
    using Handle = std::unique_ptr<rd_kafka_t, Destroy>;

    Handle make_handle(const Settings& settings, const FetchSettings& fetch);
    void take_error(rd_kafka_message_t* raw);
    std::vector<PartitionPosition> unverified(const TopicLayouts& layouts);
    void commit(bool wait);
    void send(const std::vector<MemberPositions::Commit>& commits, bool wait);
    void verify_within(std::chrono::milliseconds time);
    bool commit_within(std::chrono::milliseconds time);
    Topics assignment();
    std::vector<Place> assigned();

    static void on_error(rd_kafka_t*, int error, const char* reason, void* opaque);
    static void on_commit(rd_kafka_t*, rd_kafka_resp_err_t err,
                          rd_kafka_topic_partition_list_t* offsets, void* opaque);
    static void on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t err,
                             rd_kafka_topic_partition_list_t* partitions, void* opaque);

    const std::string group_;
    const std::vector<std::string>& topics_;
    MemberPositions positions_;
    bool revoked_ = false;
    bool brokers_down_ = false;
    bool expects_assignment_ = true;
    std::uint64_t answers_ = 0;
    std::chrono::steady_clock::time_point last_commit_{};
    Handle handle_;   // after the members that its callbacks use
    LogWatch watch_;  // its queue must be destroyed before the handle
};

}  // namespace orderflow::kafka
