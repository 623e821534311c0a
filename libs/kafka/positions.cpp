#include "kafka/positions.hpp"

#include <algorithm>
#include <utility>

namespace orderflow::kafka {

bool PartitionPosition::committed_elsewhere() const {
    return committed && !log.empty() && !committed_log.empty() && log != committed_log;
}

bool PartitionPosition::committed_beyond_end() const { return committed && *committed > end; }

// Without a valid commit, members begin at the start: auto.offset.reset is earliest.
std::int64_t PartitionPosition::next() const {
    if (!committed || committed_elsewhere() || committed_beyond_end()) return start;
    return std::clamp(*committed, std::min(start, end), end);
}

const MemberPositions::State* MemberPositions::find(std::string_view topic,
                                                    std::int32_t partition) const {
    const auto found = partitions_.find(Less::View(topic, partition));
    return found == partitions_.end() ? nullptr : &found->second;
}

MemberPositions::State* MemberPositions::find(std::string_view topic, std::int32_t partition) {
    return const_cast<State*>(std::as_const(*this).find(topic, partition));
}

void MemberPositions::assign(std::string_view topic, std::int32_t partition) {
    partitions_.insert_or_assign(Key(topic, partition), State{});
}

std::vector<std::pair<std::string, std::int32_t>> MemberPositions::unverified() const {
    std::vector<Key> keys;
    for (const auto& [key, state] : partitions_) {
        if (!state.verified) keys.push_back(key);
    }
    return keys;
}

bool MemberPositions::verify(const PartitionPosition& at) {
    State* state = find(at.topic, at.partition);
    if (!state || state->verified) return true;
    if (at.committed_elsewhere()) return false;
    state->verified = true;
    state->log = at.log;
    state->committed = at.committed;
    return true;
}

bool MemberPositions::is_log(std::string_view topic, std::string_view log) const {
    return std::ranges::none_of(partitions_, [&](const auto& entry) {
        return entry.first.first == topic && entry.second.verified && entry.second.log != log;
    });
}

std::optional<std::int64_t> MemberPositions::position(std::string_view topic,
                                                      std::int32_t partition) const {
    const State* state = find(topic, partition);
    if (!state) return std::nullopt;
    return state->end ? state->end : state->polled;
}

void MemberPositions::polled(std::string_view topic, std::int32_t partition, std::int64_t offset) {
    if (State* state = find(topic, partition)) {
        state->polled = offset + 1;
        state->end.reset();
    }
}

void MemberPositions::at_end(std::string_view topic, std::int32_t partition, std::int64_t offset) {
    State* state = find(topic, partition);
    if (!state) return;
    if (state->polled == state->processed) {
        state->polled = state->processed = offset;
    } else {
        state->end = offset;
    }
}

// Not the maximum: after a reset the position is lower than before, and the lower one is valid.
void MemberPositions::processed(std::string_view topic, std::int32_t partition,
                                std::int64_t offset) {
    State* state = find(topic, partition);
    if (!state) return;
    state->processed = offset + 1;
    if (state->end && state->processed == state->polled) {
        state->polled = state->processed = std::exchange(state->end, std::nullopt);
    }
}

std::vector<MemberPositions::Processed> MemberPositions::processed() const {
    std::vector<Processed> all;
    for (const auto& [place, state] : partitions_) {
        const auto offset = state.processed ? state.processed : state.committed;
        if (offset) all.push_back({place.first, place.second, *offset});
    }
    return all;
}

std::vector<MemberPositions::Commit> MemberPositions::to_commit() const {
    std::vector<Commit> commits;
    for (const auto& [key, state] : partitions_) {
        if (!state.verified || !state.processed || state.processed == state.committed) continue;
        commits.push_back({key.first, key.second, *state.processed, state.log});
    }
    return commits;
}

bool MemberPositions::waits_to_commit() const {
    return std::ranges::any_of(partitions_, [](const auto& entry) {
        return entry.second.processed && !entry.second.verified;
    });
}

void MemberPositions::committed(const std::vector<Commit>& commits) {
    for (const Commit& commit : commits) {
        if (State* state = find(commit.topic, commit.partition)) state->committed = commit.offset;
    }
}

void MemberPositions::not_committed(std::string_view topic, std::int32_t partition) {
    if (State* state = find(topic, partition)) state->committed.reset();
}

}  // namespace orderflow::kafka
