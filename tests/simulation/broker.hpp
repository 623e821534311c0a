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

#include "messaging/record.hpp"
#include "messaging/relay.hpp"
#include "simulation/world.hpp"

namespace orderflow::simulation {

inline constexpr int kPartitions = 3;

struct Message {
    std::string topic;
    std::string key;
    std::string value;
    std::vector<std::pair<std::string, std::string>> headers;
};
// What a relay sends for a row of the outbox.
Message message_of(const messaging::LedgerRow& row, events::Service producer);

using TopicPartition = std::pair<std::string, int>;
class Member;

class Broker {
public:
    explicit Broker(World& world) : world_(world) {}

    using Log = std::vector<messaging::Record>;
    const std::map<TopicPartition, Log>& logs() const { return logs_; }
    void append(Message message);

    std::unique_ptr<messaging::RecordSource> join(const Place& place);
    std::unique_ptr<messaging::Producer> make_producer(const Place& place);

    // Deals the partitions out anew; what members have in hand is no longer theirs. With
    // `from_zero` everything is delivered again.
    void rebalance(events::Service group, bool from_zero = false);

    // Something of what is on its way arrives, or fails. False: nothing is on its way.
    bool transport();
    // What lost producers had sent and no relay knows of is gone.
    void forget_lost_producers();

    // Every record of the group's topics is handled and its offset committed.
    bool consumed_all(events::Service group) const;

private:
    friend class Member;
    friend class SimulatedProducer;

    struct Group {
        std::map<TopicPartition, std::int64_t> committed;
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
        std::vector<messaging::Producer::Report> reports;
        bool open = true;

        std::size_t waiting() const;
    };

    Group& group(events::Service service) { return groups_[static_cast<std::size_t>(service)]; }
    void arrive(Channel& channel, const TopicPartition& where);
    void fail(Channel& channel, const TopicPartition& where);

    World& world_;
    std::map<TopicPartition, Log> logs_;
    std::array<Group, events::kServiceNames.size()> groups_;
    std::vector<std::shared_ptr<Channel>> channels_;
};

}  // namespace orderflow::simulation
