#pragma once
// The broker: topics, consumer groups, and the records that are on their way from the relays,
// behind the ports RecordSource and Producer. Records keep their order within a partition only. The
// scheduler decides when the broker does to its clients what a real cluster may do: rebalances,
// offsets that are set back, producers that report late, that fail, or whose records arrived
// although they reported a failure. One thread.
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kafka/positions.hpp"
#include "kafka/producer.hpp"
#include "kafka/record.hpp"
#include "outbox/relay.hpp"
#include "kafka/topic_layout.hpp"
#include "simulation/log.hpp"
#include "simulation/world.hpp"

namespace orderflow::simulation {

inline constexpr int kPartitions = 3;  // of a new topic; more may be added

struct Message {
    std::string topic;
    std::string key;
    std::string value;
    std::vector<std::pair<std::string, std::string>> headers;
};
// Returns the message that a relay sends for a row of the outbox.
Message message_of(const kafka::Message& row, events::Service producer);

using TopicPartition = std::pair<std::string, int>;
class Member;

class Broker {
public:
    explicit Broker(World& world);

    const std::map<TopicPartition, Log>& logs() const { return logs_; }
    // The logs of deleted topics.
    const std::vector<std::pair<TopicPartition, Log>>& deleted_logs() const { return deleted_; }
    void append(Message message);
    // Ends a transaction in a partition: its marker takes an offset and is no record.
    void append_marker(const TopicPartition& where);

    // Deletes the topic, with the records that were not read yet, and recreates it: it has another
    // id, and its offsets start at zero. The groups' offsets may be deleted with it or may stay.
    void make_anew(const std::string& topic);
    // Deletes the records of a partition up to some offset, whether they were read or not.
    void delete_records(const TopicPartition& where);
    // Deletes the records that all groups have read; some of the groups' commits are lost, too.
    void delete_what_is_read(const TopicPartition& where);
    // Adds partitions. The groups notice them some time later.
    void add_partitions(const std::string& topic);

    std::unique_ptr<kafka::RecordSource> join(const Place& place);
    std::unique_ptr<kafka::Producer> make_producer(const Place& place);

    // Assigns the partitions again; the records that members have in hand no longer belong to them.
    // With `from_zero`, everything is delivered again.
    void rebalance(events::Service group, bool from_zero = false);

    // Lets a record that is on its way arrive, or fail. Returns false if none is on its way.
    bool transport();
    // Drops the records that lost producers had sent and that no relay waits for.
    void forget_lost_producers();

    // The topic rejects every record from now on: for ever with `for_good`, otherwise until heal().
    void refuse(const std::string& topic, bool for_good) { refusing_[topic] = for_good; }
    bool refuses(const std::string& topic) const { return refusing_.contains(topic); }
    void heal() {
        noticed_at_.clear();
        std::erase_if(refusing_, [](const auto& topic) { return !topic.second; });
    }

    // Returns whether every record of the group's topics is handled and its offset committed.
    bool consumed_all(events::Service group) const;

    static std::vector<std::string> consumed_topics(events::Service group);
    // The positions that a client would get from the broker.
    kafka::GroupPositions positions(events::Service group) const;
    kafka::PartitionPosition position(events::Service group, const TopicPartition& where) const;
    // Returns whether the group's topics contain a record with this key that arrived at `since` or
    // earlier and that the group has not committed.
    bool has_unread(events::Service group, std::string_view key, Instant since) const;

private:
    friend class Member;
    friend class SimulatedProducer;

    struct Commit {
        std::int64_t offset = 0;
        std::string log;
    };
    struct Group {
        std::map<TopicPartition, Commit> committed;
        std::vector<Member*> members;
        std::map<TopicPartition, Member*> owners;
        int generation = 0;
    };
    struct Outgoing {
        Message message;
        std::uint64_t token = 0;
    };
    // A producer's connection. It outlives the producer: records that were sent may still arrive.
    struct Channel {
        std::map<TopicPartition, std::deque<Outgoing>> queues;
        std::map<TopicPartition, bool> broken;  // no more records of this producer arrive there
        std::vector<kafka::Producer::Report> reports;
        bool open = true;

        std::size_t waiting() const;
    };

    Group& group(events::Service service) { return groups_[static_cast<std::size_t>(service)]; }
    const Group& group(events::Service service) const {
        return groups_[static_cast<std::size_t>(service)];
    }
    void append(Message message, int partition);
    // Returns the number of the topic's partitions; creates the topic if it does not exist.
    int partitions_of(const std::string& topic);
    std::vector<TopicPartition> consumed_partitions(events::Service group) const;
    std::string new_id() { return "log " + std::to_string(++logs_made_); }
    void send_planted_again(const Log& log, std::int64_t from);
    void arrive(Channel& channel, const TopicPartition& where);
    void fail(Channel& channel, const TopicPartition& where);

    World& world_;
    std::map<TopicPartition, Log> logs_;
    std::map<std::string, int> partitions_;
    std::map<std::string, Instant> noticed_at_;  // by topic: when groups notice added partitions
    std::vector<std::pair<TopicPartition, Log>> deleted_;
    int logs_made_ = 0;
    std::array<Group, events::kServiceNames.size()> groups_;
    std::vector<std::shared_ptr<Channel>> channels_;
    std::map<std::string, bool> refusing_;
};

}  // namespace orderflow::simulation
