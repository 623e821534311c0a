#include "simulation/member.hpp"

#include <algorithm>

namespace orderflow::simulation {

Member::Member(Broker& broker, const Place& place)
    : broker_(broker), world_(broker.world_), group_(broker.group(place.service)), place_(place) {
    group_.members.push_back(this);
}

Member::~Member() {
    std::erase(group_.members, this);
    std::erase_if(group_.owners, [this](const auto& owner) { return owner.second == this; });
}

std::vector<kafka::Record> Member::poll(Gathering&, std::chrono::milliseconds) {
    world_.reach(place_, Effect::poll);
    if (generation_ != group_.generation) take_assignment();
    find_logs_made_anew();
    std::vector<kafka::Record> records;
    auto from = with_records();
    for (std::size_t wanted = 1 + world_.random.below(10); wanted > 0 && !from.empty(); --wanted) {
        const std::size_t pick = world_.random.below(from.size());
        auto& [where, reading] = *from[pick];
        const Log& log = broker_.logs_.at(where);
        records.push_back(*log.at(reading.position).record);
        positions_.polled(where.first, where.second, reading.position++);
        reading.was_reset = reading.over_marker = false;
        step_over(where, reading);
        if (reading.position == log.end()) {
            from.erase(from.begin() + static_cast<std::ptrdiff_t>(pick));
        }
    }
    if (!world_.random.percent(world_.faults.lose_offsets)) commit();
    return records;
}

void Member::processed(const std::vector<kafka::Record>& records) {
    world_.reach(place_, Effect::offsets);
    for (const kafka::Record& record : records) {
        positions_.processed(record.topic, record.partition, record.offset);
        auto& greatest = greatest_[{std::string(record.topic), record.partition}];
        greatest = std::max(greatest, record.offset + 1);
    }
    if (!world_.random.percent(world_.faults.lose_offsets)) commit();
}

bool Member::hold(std::chrono::milliseconds, std::stop_token) {
    return generation_ == group_.generation;
}

void Member::commit() {
    if (generation_ != group_.generation) return;  // the broker rejects it: not a member any more
    const auto commits = positions_.to_commit();
    for (const auto& commit : commits) {
        const TopicPartition where{commit.topic, commit.partition};
        if (is(Mutant::offsets_outlive_their_log)) {
            group_.committed[where] = {greatest_[where], ""};
        } else {
            group_.committed[where] = {commit.offset, commit.log};
        }
    }
    positions_.committed(commits);
}

void Member::take_assignment() {
    generation_ = group_.generation;
    readings_.clear();
    positions_.clear();
    for (const auto& [where, owner] : group_.owners) {
        if (owner == this) begin(where);
    }
}

void Member::begin(const TopicPartition& where) {
    kafka::PartitionPosition at = broker_.position(place_.service, where);
    positions_.assign(where.first, where.second);
    if (!positions_.verify(at)) {
        group_.committed[where] = {0, at.log};
        at = broker_.position(place_.service, where);
        positions_.verify(at);
    }
    const bool was_reset = at.committed.value_or(0) != at.next();
    readings_[where] = {at.next(), at.log, false, was_reset};
    step_over(where, readings_[where]);
}

// The client notices a recreated log some polls later; the broker notices only a position that the
// log does not have.
void Member::find_logs_made_anew() {
    for (auto& [where, reading] : readings_) {
        const Log& log = broker_.logs_.at(where);
        if (reading.log != log.id && !is(Mutant::offsets_outlive_their_log) &&
            world_.random.percent(60)) {
            world_.note("  reads ", where.first, "/", where.second, " from its start");
            group_.committed[where] = {0, log.id};
            begin(where);
        } else if (reading.position < log.start || reading.position > log.end()) {
            reading.position = log.start;
            reading.was_reset = true;
            step_over(where, reading);
        }
    }
}

// Steps over entries that are no records at once; at the end of the log, the client reports that
// end.
void Member::step_over(const TopicPartition& where, Reading& reading) {
    const Log& log = broker_.logs_.at(where);
    while (reading.position < log.end() && !log.at(reading.position).record) {
        ++reading.position;
        reading.over_marker = true;
    }
    if (reading.position < log.end()) return;
    if (reading.over_marker && is(Mutant::markers_count_as_lag)) return;
    if (reading.was_reset && is(Mutant::reset_position_not_committed)) return;
    positions_.at_end(where.first, where.second, reading.position);
}

// Returns the partitions to read from. Some are left out at random: their records then come after
// records that were sent later.
std::vector<Member::Readings::value_type*> Member::with_records() {
    std::vector<Readings::value_type*> from;
    for (auto& entry : readings_) {
        step_over(entry.first, entry.second);
        if (entry.second.position >= broker_.logs_.at(entry.first).end()) continue;
        if (world_.faults.interrupt > 0 && world_.random.percent(30)) continue;
        from.push_back(&entry);
    }
    return from;
}

}  // namespace orderflow::simulation
