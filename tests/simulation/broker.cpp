#include "simulation/broker.hpp"

#include <algorithm>

#include "core/time.hpp"
#include "kafka/positions.hpp"
#include "kafka/producer.hpp"
#include "simulation/member.hpp"

namespace orderflow::simulation {
namespace {

kafka::Record record_of(Message message, int partition, std::int64_t offset) {
    const auto bytes = std::make_shared<const Message>(std::move(message));
    kafka::Record record;
    record.topic = bytes->topic;
    record.partition = partition;
    record.offset = offset;
    record.key = bytes->key;
    record.value = bytes->value;
    for (const auto& [name, value] : bytes->headers) record.headers.emplace_back(name, value);
    record.owner = bytes;
    return record;
}

Message message_of(const kafka::Record& record) {
    Message message{
        std::string(record.topic), std::string(record.key.value()), std::string(record.value), {}};
    for (const auto& [name, value] : record.headers) message.headers.emplace_back(name, value);
    return message;
}

}  // namespace

Message message_of(const kafka::Message& row, events::Service producer) {
    return {row.topic,
            row.key.value(),
            row.data,
            {{"ce_specversion", "1.0"},
             {"ce_id", row.event_id.to_string()},
             {"ce_type", row.type},
             {"ce_source", std::string(events::names_of(producer).source)},
             {"ce_subject", row.key.value()},
             {"ce_time", to_rfc3339(row.recorded_at)},
             {"content-type", "application/json"}}};
}

// A relay's producer. It is idempotent, like the real one: the records that it sends to a partition
// arrive in order and without gaps, or from some record on none arrives.
class SimulatedProducer final : public kafka::Producer {
public:
    SimulatedProducer(Broker& broker, const Place& place, std::shared_ptr<Broker::Channel> channel)
        : broker_(broker), world_(broker.world_), place_(place), channel_(std::move(channel)) {}

    // Some of the records in the queues were sent and may still arrive.
    ~SimulatedProducer() override {
        channel_->open = false;
        for (auto& [where, queue] : channel_->queues) {
            if (!queue.empty()) queue.resize(world_.random.below(queue.size() + 1));
        }
    }

    bool produce(const kafka::Message& row, std::uint64_t token) override {
        world_.reach(place_, Effect::produce);
        if (channel_->waiting() >= kQueue) return false;
        const int partition = kafka::partition_of(row.key.value(), partitions_of(row.topic));
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

    // The producer reads the metadata only now and then. Until then, added partitions get no
    // records.
    int partitions_of(const std::string& topic) {
        int& known = partitions_[topic];
        const int there = broker_.partitions_of(topic);
        if (known == 0 || known > there || world_.random.percent(20)) known = there;
        return known;
    }

    Broker& broker_;
    World& world_;
    const Place place_;
    const std::shared_ptr<Broker::Channel> channel_;
    std::map<std::string, int> partitions_;
};

std::size_t Broker::Channel::waiting() const {
    std::size_t count = 0;
    for (const auto& [where, queue] : queues) count += queue.size();
    return count;
}

Broker::Broker(World& world) : world_(world) {
    for (const auto& topic : events::topics()) partitions_of(std::string(topic.name));
}

int Broker::partitions_of(const std::string& topic) {
    const auto [found, made] = partitions_.try_emplace(topic, kPartitions);
    if (made) {
        const std::string id = new_id();
        for (int i = 0; i < kPartitions; ++i) logs_[{topic, i}].id = id;
    }
    return found->second;
}

void Broker::append(Message message) {
    const int partition = kafka::partition_of(message.key, partitions_of(message.topic));
    append(std::move(message), partition);
}

void Broker::append(Message message, int partition) {
    // The topic was recreated in the meantime, with fewer partitions.
    partition = std::min(partition, partitions_of(message.topic) - 1);
    Log& log = logs_.at({message.topic, partition});
    const std::int64_t offset = log.end();
    log.entries.push_back({record_of(std::move(message), partition, offset), world_.now});
}

void Broker::append_marker(const TopicPartition& where) {
    logs_.at(where).entries.push_back({std::nullopt, world_.now});
}

// Sends planted records again that were deleted before they were read. The services' own records
// are sent again from the services' ledgers.
void Broker::send_planted_again(const Log& log, std::int64_t from) {
    std::vector<Message> planted;
    for (std::int64_t offset = from; offset < log.end(); ++offset) {
        const auto& record = log.at(offset).record;
        if (record && !record->header("planted").empty()) planted.push_back(message_of(*record));
    }
    for (Message& message : planted) append(std::move(message));
}

void Broker::make_anew(const std::string& topic) {
    world_.note(topic, " is deleted and made anew");
    const std::string id = new_id();
    const std::size_t first = deleted_.size();
    for (auto at = logs_.begin(); at != logs_.end();) {
        if (at->first.first != topic) {
            ++at;
            continue;
        }
        deleted_.emplace_back(at->first, std::move(at->second));
        at = logs_.erase(at);
    }
    for (int i = 0; i < kPartitions; ++i) logs_[{topic, i}].id = id;
    partitions_[topic] = kPartitions;
    for (Group& group : groups_) {
        std::erase_if(group.owners, [&](const auto& owner) {
            return owner.first.first == topic && owner.first.second >= kPartitions;
        });
        ++group.generation;  // its members notice that the topic is gone, and that it is back
        std::erase_if(group.committed, [&](const auto& commit) {
            return commit.first.first == topic &&
                   (commit.first.second >= kPartitions || world_.random.percent(50));
        });
    }
    for (std::size_t i = first; i < deleted_.size(); ++i) {
        const Log log = deleted_[i].second;
        send_planted_again(log, log.start);
    }
}

void Broker::delete_records(const TopicPartition& where) {
    Log& log = logs_.at(where);
    const std::int64_t from = log.start;
    log.start = world_.random.percent(50) ? log.end() : world_.random.between(from, log.end());
    world_.note(where.first, "/", where.second, " begins with ", log.start);
    Log deleted = log;
    deleted.entries.resize(static_cast<std::size_t>(log.start));
    send_planted_again(deleted, from);
}

void Broker::delete_what_is_read(const TopicPartition& where) {
    Log& log = logs_.at(where);
    const std::int64_t from = log.start;
    std::int64_t to = log.end();
    std::vector<Group*> readers;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
        const auto service = static_cast<events::Service>(i);
        const auto topics = consumed_topics(service);
        if (std::ranges::find(topics, where.first) == topics.end()) continue;
        to = std::min(to, position(service, where).next());
        readers.push_back(&groups_[i]);
    }
    if (to <= from) return;
    world_.note(where.first, "/", where.second, " begins with ", to);
    log.start = to;
    for (Group* group : readers) {
        if (!world_.random.percent(50)) continue;
        group->committed[where].offset = world_.random.between(from, to);
    }
}

void Broker::add_partitions(const std::string& topic) {
    int& count = partitions_[topic];
    if (count > kPartitions) return;
    noticed_at_[topic] = world_.now + std::chrono::milliseconds(world_.random.between(0, 40'000));
    world_.note(topic, " gets partitions");
    const std::string id = logs_.at({topic, 0}).id;
    for (const int more = 2 * count; count < more; ++count) logs_[{topic, count}].id = id;
}

std::unique_ptr<kafka::RecordSource> Broker::join(const Place& place) {
    auto member = std::make_unique<Member>(*this, place);
    rebalance(place.service);
    return member;
}

std::unique_ptr<kafka::Producer> Broker::make_producer(const Place& place) {
    channels_.push_back(std::make_shared<Channel>());
    return std::make_unique<SimulatedProducer>(*this, place, channels_.back());
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
    for (const TopicPartition& where : consumed_partitions(service)) {
        const auto noticed = noticed_at_.find(where.first);
        if (where.second >= kPartitions && noticed != noticed_at_.end() &&
            world_.now < noticed->second) {
            continue;
        }
        const std::size_t index = unfair ? world_.random.below(members.size())
                                         : first + static_cast<std::size_t>(where.second);
        group.owners[where] = members[index % members.size()];
    }
}

bool Broker::transport() {
    std::erase_if(channels_,
                  [](const auto& channel) { return !channel->open && channel->waiting() == 0; });
    std::vector<std::pair<Channel*, const TopicPartition*>> waiting;
    for (const auto& channel : channels_) {
        for (const auto& [where, queue] : channel->queues) {
            if (!queue.empty()) waiting.emplace_back(channel.get(), &where);
        }
    }
    if (waiting.empty()) return false;
    const auto [channel, where] = world_.random.one_of(waiting);
    if (channel->broken[*where] || refuses(where->first) ||
        world_.random.percent(world_.faults.broker / 4)) {
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
        for (std::size_t i = 0; i < count; ++i) append(queue[i].message, where.second);
    }
    for (; count > 0; --count) {
        append(std::move(queue.front().message), where.second);
        if (channel.open) channel.reports.push_back({queue.front().token, true});
        queue.pop_front();
    }
}

// The first records of the queue may have arrived all the same.
void Broker::fail(Channel& channel, const TopicPartition& where) {
    world_.note("sending to ", where.first, "/", where.second, " fails");
    auto& queue = channel.queues[where];
    const bool refused = refuses(where.first);
    const std::size_t arrived =
        channel.broken[where] || refused ? 0 : world_.random.below(queue.size() + 1);
    for (std::size_t i = 0; i < arrived; ++i) append(queue[i].message, where.second);
    for (const Outgoing& outgoing : queue) {
        if (!channel.open) continue;
        channel.reports.push_back({outgoing.token, false,
                                   refused ? kafka::Refusal::gone : kafka::Refusal::other,
                                   "refused"});
    }
    queue.clear();
    channel.broken[where] = true;
}

void Broker::forget_lost_producers() {
    std::erase_if(channels_, [](const auto& channel) { return !channel->open; });
}

std::vector<std::string> Broker::consumed_topics(events::Service service) {
    const auto names = events::topics_consumed_by(service);
    return {names.begin(), names.end()};
}

std::vector<TopicPartition> Broker::consumed_partitions(events::Service service) const {
    std::vector<TopicPartition> all;
    for (const std::string& topic : consumed_topics(service)) {
        for (int i = 0; i < partitions_.at(topic); ++i) all.emplace_back(topic, i);
    }
    return all;
}

kafka::PartitionPosition Broker::position(events::Service service,
                                          const TopicPartition& where) const {
    const Group& group = this->group(service);
    const Log& log = logs_.at(where);
    kafka::PartitionPosition at;
    at.topic = where.first;
    at.partition = where.second;
    at.log = log.id;
    at.start = log.start;
    at.end = at.readable_end = log.end();
    if (const auto commit = group.committed.find(where); commit != group.committed.end()) {
        at.committed = commit->second.offset;
        at.committed_log = commit->second.log;
    }
    at.assigned = group.owners.contains(where);
    return at;
}

kafka::GroupPositions Broker::positions(events::Service service) const {
    kafka::GroupPositions positions;
    positions.has_members = !group(service).members.empty();
    for (const TopicPartition& where : consumed_partitions(service)) {
        positions.partitions.push_back(position(service, where));
        auto& layout = positions.topics[where.first];
        layout.log = logs_.at(where).id;
        ++layout.partitions;
    }
    return positions;
}

bool Broker::consumed_all(events::Service service) const {
    const auto all = positions(service).partitions;
    return std::ranges::all_of(all, [](const kafka::PartitionPosition& at) {
        return at.caught_up() && at.committed.value_or(0) == at.end;
    });
}

bool Broker::has_unread(events::Service service, std::string_view key, Instant since) const {
    for (const TopicPartition& where : consumed_partitions(service)) {
        const Log& log = logs_.at(where);
        for (std::int64_t i = position(service, where).next(); i < log.end(); ++i) {
            const auto& entry = log.at(i);
            if (entry.record && entry.record->key == key && entry.arrived <= since) return true;
        }
    }
    return false;
}

}  // namespace orderflow::simulation
