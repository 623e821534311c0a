#pragma once
// The broker: topics, consumer groups and what is on its way from the relays, behind the ports
// RecordSource and Producer. Records keep their order within a partition and nowhere else. What a
// real cluster may do to its clients happens when the scheduler says so: rebalances, offsets set
// back, producers that report late, fail, or have sent what they do not know of.
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

inline constexpr int kPartitions = 3;  // of a topic as it is made; more may be added

struct Message {
    std::string topic;
    std::string key;
    std::string value;
    std::vector<std::pair<std::string, std::string>> headers;
};
// What a relay sends for a row of the outbox.
Message message_of(const kafka::Message& row, events::Service producer);

using TopicPartition = std::pair<std::string, int>;
class Member;

class Broker {
public:
    explicit Broker(World& world);

    const std::map<TopicPartition, Log>& logs() const { return logs_; }
    // Those of topics that were deleted.
    const std::vector<std::pair<TopicPartition, Log>>& deleted_logs() const { return deleted_; }
    void append(Message message);
    // A transaction ends at a partition: its marker takes an offset and is no record.
    void append_marker(const TopicPartition& where);

    // The topic is deleted, with what was not read yet, and made anew: another id, offsets from
    // zero. The groups' offsets may go with it or stay.
    void make_anew(const std::string& topic);
    // What a partition holds is deleted up to a point, be it read or not.
    void delete_records(const TopicPartition& where);
    // The same with what all groups have read; some of their commits are lost, too.
    void delete_what_is_read(const TopicPartition& where);
    // The groups hear of the new ones some time later.
    void add_partitions(const std::string& topic);

    std::unique_ptr<kafka::RecordSource> join(const Place& place);
    std::unique_ptr<kafka::Producer> make_producer(const Place& place);

    // Deals the partitions out anew; what members have in hand is no longer theirs. With
    // `from_zero` everything is delivered again.
    void rebalance(events::Service group, bool from_zero = false);

    // Something of what is on its way arrives, or fails. False: nothing is on its way.
    bool transport();
    // What lost producers had sent and no relay knows of is gone.
    void forget_lost_producers();

    // The topic takes nothing any more; unless for good, until everything heals.
    void refuse(const std::string& topic, bool for_good) { refusing_[topic] = for_good; }
    bool refuses(const std::string& topic) const { return refusing_.contains(topic); }
    void heal() {
        heard_of_.clear();
        std::erase_if(refusing_, [](const auto& topic) { return !topic.second; });
    }

    // Every record of the group's topics is handled and its offset committed.
    bool consumed_all(events::Service group) const;

    static std::vector<std::string> consumed_topics(events::Service group);
    // As a client that asks is told.
    kafka::GroupPositions positions(events::Service group) const;
    kafka::PartitionPosition position(events::Service group, const TopicPartition& where) const;
    // A record with this key, which has lain in the group's topics since then or longer, and which
    // the group has not committed.
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
    // A producer's connection. Outlives it: what was sent may still arrive.
    struct Channel {
        std::map<TopicPartition, std::deque<Outgoing>> queues;
        std::map<TopicPartition, bool> broken;  // nothing of this producer arrives there any more
        std::vector<kafka::Producer::Report> reports;
        bool open = true;

        std::size_t waiting() const;
    };

    Group& group(events::Service service) { return groups_[static_cast<std::size_t>(service)]; }
    const Group& group(events::Service service) const {
        return groups_[static_cast<std::size_t>(service)];
    }
    void append(Message message, int partition);
    // The topic's partitions; makes it if there is none.
    int partitions_of(const std::string& topic);
    std::vector<TopicPartition> consumed_partitions(events::Service group) const;
    std::string new_id() { return "log " + std::to_string(++logs_made_); }
    void send_planted_again(const Log& log, std::int64_t from);
    void arrive(Channel& channel, const TopicPartition& where);
    void fail(Channel& channel, const TopicPartition& where);

    World& world_;
    std::map<TopicPartition, Log> logs_;
    std::map<std::string, int> partitions_;
    std::map<std::string, Instant> heard_of_;  // the partitions that were added to a topic, when
    std::vector<std::pair<TopicPartition, Log>> deleted_;
    int logs_made_ = 0;
    std::array<Group, events::kServiceNames.size()> groups_;
    std::vector<std::shared_ptr<Channel>> channels_;
    std::map<std::string, bool> refusing_;
};

}  // namespace orderflow::simulation
