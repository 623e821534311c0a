#include "simulation/broker.hpp"

#include <algorithm>

#include "core/time.hpp"
#include "messaging/calm.hpp"

namespace orderflow::simulation {
namespace {

messaging::Record record_of(Message message, int partition, std::int64_t offset) {
    const auto bytes = std::make_shared<const Message>(std::move(message));
    messaging::Record record;
    record.topic = bytes->topic;
    record.partition = partition;
    record.offset = offset;
    record.key = bytes->key;
    record.value = bytes->value;
    for (const auto& [name, value] : bytes->headers) record.headers.emplace_back(name, value);
    record.owner = bytes;
    return record;
}

std::int64_t end_of(const Broker& broker, const TopicPartition& where) {
    const auto log = broker.logs().find(where);
    return log == broker.logs().end() ? 0 : static_cast<std::int64_t>(log->second.size());
}

std::vector<TopicPartition> partitions_of(events::Service group) {
    std::vector<TopicPartition> partitions;
    for (const std::string_view topic : events::topics_consumed_by(group)) {
        for (int i = 0; i < kPartitions; ++i) partitions.emplace_back(topic, i);
    }
    return partitions;
}

}  // namespace

Message message_of(const messaging::LedgerRow& row, events::Service producer) {
    return {row.topic, row.key, row.data,
            {{"ce_specversion", "1.0"},
             {"ce_id", row.event_id.to_string()},
             {"ce_type", row.type},
             {"ce_source", std::string(events::names_of(producer).source)},
             {"ce_subject", row.key},
             {"ce_time", to_rfc3339(row.recorded_at)},
             {"content-type", "application/json"}}};
}

// One member of a group, as its consumer loop sees it. It learns of a rebalance when it polls, like
// a client that was busy or stopped: until then it works on what is no longer its own.
class Member final : public messaging::RecordSource {
public:
    Member(Broker& broker, const Place& place)
        : broker_(broker),
          world_(broker.world_),
          group_(broker.group(place.service)),
          place_(place) {
        group_.members.push_back(this);
    }
    ~Member() override {
        std::erase(group_.members, this);
        std::erase_if(group_.owners, [this](const auto& owner) { return owner.second == this; });
    }

    std::vector<messaging::Record> poll(Gathering&, std::chrono::milliseconds) override {
        world_.reach(place_, Effect::poll);
        if (generation_ != group_.generation) take_assignment();
        std::vector<messaging::Record> records;
        auto from = positions_with_records();
        for (std::size_t wanted = 1 + world_.random.below(10); wanted > 0 && !from.empty();) {
            const std::size_t pick = world_.random.below(from.size());
            auto& [where, position] = *from[pick];
            const Broker::Log& log = broker_.logs_[where];
            records.push_back(log[static_cast<std::size_t>(position++)]);
            if (position == static_cast<std::int64_t>(log.size())) {
                from.erase(from.begin() + static_cast<std::ptrdiff_t>(pick));
            }
            --wanted;
        }
        return records;
    }

    void processed(const std::vector<messaging::Record>& records) override {
        world_.reach(place_, Effect::offsets);
        for (const messaging::Record& record : records) {
            auto& next = done_[{std::string(record.topic), record.partition}];
            next = std::max(next, record.offset + 1);
        }
        if (generation_ != group_.generation) return;  // the broker refuses: not a member any more
        if (!world_.random.percent(world_.faults.lose_offsets)) commit();
    }

    bool hold(std::chrono::milliseconds, std::stop_token) override {
        return generation_ == group_.generation;
    }

    std::vector<messaging::PartitionState> partitions() override {
        std::vector<messaging::PartitionState> states;
        for (const auto& [where, position] : positions_) {
            const bool at_end = generation_ == group_.generation &&
                                position == end_of(broker_, where);
            states.push_back({where.first, where.second, at_end});
        }
        return states;
    }

    void close() override {}

    // What a member that is still heard of does as its partitions are taken away.
    void commit() {
        if (generation_ != group_.generation) return;
        for (const auto& [where, offset] : done_) group_.committed[where] = offset;
    }
    bool answers() const { return !place_.victim->frozen() && !place_.victim->doomed(); }

private:
    void take_assignment() {
        generation_ = group_.generation;
        positions_.clear();
        done_.clear();
        for (const auto& [where, owner] : group_.owners) {
            if (owner == this) positions_[where] = group_.committed[where];
        }
    }

    // Some partitions answer late: then their records come after others that were sent later.
    std::vector<std::pair<const TopicPartition, std::int64_t>*> positions_with_records() {
        std::vector<std::pair<const TopicPartition, std::int64_t>*> from;
        for (auto& entry : positions_) {
            if (entry.second >= end_of(broker_, entry.first)) continue;
            if (world_.faults.interrupt > 0 && world_.random.percent(30)) continue;
            from.push_back(&entry);
        }
        return from;
    }

    Broker& broker_;
    World& world_;
    Broker::Group& group_;
    const Place place_;
    int generation_ = -1;
    std::map<TopicPartition, std::int64_t> positions_;
    std::map<TopicPartition, std::int64_t> done_;
};

// A relay's producer. Idempotent, as ours is set up to be: what it sends to a partition arrives in
// order and without holes, or from some record on not at all.
class SimulatedProducer final : public messaging::Producer {
public:
    SimulatedProducer(World& world, const Place& place, std::shared_ptr<Broker::Channel> channel)
        : world_(world), place_(place), channel_(std::move(channel)) {}

    // Some of what it holds was sent, and may still arrive.
    ~SimulatedProducer() override {
        channel_->open = false;
        for (auto& [where, queue] : channel_->queues) {
            if (!queue.empty()) queue.resize(world_.random.below(queue.size() + 1));
        }
    }

    bool produce(const messaging::LedgerRow& row, std::uint64_t token) override {
        world_.reach(place_, Effect::produce);
        if (channel_->waiting() >= kQueue) return false;
        const int partition = messaging::partition_of(row.key, kPartitions);
        channel_->queues[{row.topic, partition}].push_back(
            {message_of(row, place_.service), token});
        return true;
    }

    // Reports come late and in any order.
    std::vector<Report> reports() override {
        std::vector<Report> all = std::exchange(channel_->reports, {});
        if (world_.faults.broker == 0) return all;
        std::vector<Report> now;
        for (const Report& report : all) {
            (world_.random.percent(60) ? now : channel_->reports).push_back(report);
        }
        return now;
    }

    void flush(std::chrono::milliseconds) override {}

private:
    static constexpr std::size_t kQueue = 12;

    World& world_;
    const Place place_;
    const std::shared_ptr<Broker::Channel> channel_;
};

std::size_t Broker::Channel::waiting() const {
    std::size_t count = 0;
    for (const auto& [where, queue] : queues) count += queue.size();
    return count;
}

void Broker::append(Message message) {
    const int partition = messaging::partition_of(message.key, kPartitions);
    Log& log = logs_[{message.topic, partition}];
    log.push_back(
        record_of(std::move(message), partition, static_cast<std::int64_t>(log.size())));
}

std::unique_ptr<messaging::RecordSource> Broker::join(const Place& place) {
    auto member = std::make_unique<Member>(*this, place);
    rebalance(place.service);
    return member;
}

std::unique_ptr<messaging::Producer> Broker::make_producer(const Place& place) {
    channels_.push_back(std::make_shared<Channel>());
    return std::make_unique<SimulatedProducer>(world_, place, channels_.back());
}

void Broker::rebalance(events::Service service, bool from_zero) {
    Group& group = this->group(service);
    std::vector<Member*> members;
    for (Member* member : group.members) {
        if (!member->answers()) continue;
        members.push_back(member);
        if (!world_.random.percent(world_.faults.lose_offsets)) member->commit();
    }
    if (from_zero) group.committed.clear();
    ++group.generation;
    group.owners.clear();
    world_.note("rebalance of ", events::names_of(service).name, ", members: ", members.size(),
                from_zero ? ", from zero" : "");
    if (members.empty()) return;
    // The range assignor gives a partition number to one member in all topics.
    const std::size_t first = world_.random.below(members.size());
    const bool unfair = world_.random.percent(world_.faults.unfair_rebalance);
    for (const TopicPartition& where : partitions_of(service)) {
        const std::size_t index = unfair ? world_.random.below(members.size())
                                         : first + static_cast<std::size_t>(where.second);
        group.owners[where] = members[index % members.size()];
    }
}

bool Broker::transport() {
    std::erase_if(channels_, [](const auto& channel) {
        return !channel->open && channel->waiting() == 0;
    });
    std::vector<std::pair<Channel*, const TopicPartition*>> waiting;
    for (const auto& channel : channels_) {
        for (const auto& [where, queue] : channel->queues) {
            if (!queue.empty()) waiting.emplace_back(channel.get(), &where);
        }
    }
    if (waiting.empty()) return false;
    const auto [channel, where] = world_.random.one_of(waiting);
    if (channel->broken[*where] || world_.random.percent(world_.faults.broker / 4)) {
        fail(*channel, *where);
    } else {
        arrive(*channel, *where);
    }
    return true;
}

void Broker::arrive(Channel& channel, const TopicPartition& where) {
    auto& queue = channel.queues[where];
    std::size_t count = 1 + world_.random.below(queue.size());
    if (world_.random.percent(world_.faults.broker)) {  // sent again, although it had arrived
        for (std::size_t i = 0; i < count; ++i) append(queue[i].message);
    }
    for (; count > 0; --count) {
        append(std::move(queue.front().message));
        if (channel.open) channel.reports.push_back({queue.front().token, true});
        queue.pop_front();
    }
}

// The first of them may have arrived all the same.
void Broker::fail(Channel& channel, const TopicPartition& where) {
    world_.note("sending to ", where.first, "/", where.second, " fails");
    auto& queue = channel.queues[where];
    const std::size_t arrived = channel.broken[where] ? 0 : world_.random.below(queue.size() + 1);
    for (std::size_t i = 0; i < arrived; ++i) append(queue[i].message);
    for (const Outgoing& outgoing : queue) {
        if (channel.open) channel.reports.push_back({outgoing.token, false});
    }
    queue.clear();
    channel.broken[where] = true;
}

void Broker::forget_lost_producers() {
    std::erase_if(channels_, [](const auto& channel) { return !channel->open; });
}

bool Broker::consumed_all(events::Service service) const {
    const Group& group = groups_[static_cast<std::size_t>(service)];
    return std::ranges::all_of(partitions_of(service), [&](const TopicPartition& where) {
        const auto committed = group.committed.find(where);
        return (committed == group.committed.end() ? 0 : committed->second) ==
               end_of(*this, where);
    });
}

}  // namespace orderflow::simulation
