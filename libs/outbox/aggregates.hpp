#pragma once
// The aggregates of one batch, folded in memory: each row is loaded once, decided on once for each
// of its events in the batch, and saved once, by compare-and-set on its version. `Id` is the type
// of the rows' primary key, such as OrderId. Used by stores and handlers, on their thread.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace orderflow::outbox {

template <class Id, class Row>
class Aggregates {
public:
    struct Entry {
        Id id;
        Row row;
        std::int64_t version = 0;  // as stored; 0: not stored yet
    };

    // The store calls this for each row that it has found.
    void loaded(const Id& id, Row row, std::int64_t version) {
        entries_[id] = {{id, std::move(row), version}, false};
    }

    // The present row; nullptr for an unknown id. Valid until the next put().
    const Row* find(const Id& id) const {
        const auto found = entries_.find(id);
        return found == entries_.end() ? nullptr : &found->second.entry.row;
    }

    // The version as it was loaded; 0 for an id that is not stored.
    std::int64_t stored_version(const Id& id) const {
        const auto found = entries_.find(id);
        return found == entries_.end() ? 0 : found->second.entry.version;
    }

    // The new state that a rule decided.
    void put(const Id& id, Row row) {
        Slot& slot = entries_[id];
        slot.entry.id = id;
        slot.entry.row = std::move(row);
        slot.changed = true;
    }

    // Rows to insert and rows to update, sorted by id, so that two batches with the same rows take
    // their locks in the same order.
    struct Changes {
        std::vector<const Entry*> inserts;
        std::vector<const Entry*> updates;
    };
    Changes changes() const {
        Changes changes;
        for (const auto& [id, slot] : entries_) {
            if (!slot.changed) continue;
            (slot.entry.version == 0 ? changes.inserts : changes.updates).push_back(&slot.entry);
        }
        const auto by_id = [](const Entry* a, const Entry* b) { return a->id < b->id; };
        std::ranges::sort(changes.inserts, by_id);
        std::ranges::sort(changes.updates, by_id);
        return changes;
    }

private:
    struct Slot {
        Entry entry;
        bool changed = false;
    };
    std::unordered_map<Id, Slot> entries_;
};

// The distinct ids of a set of events or results, sorted. `id_of` returns a pointer to an element's
// id, nullptr for an element that has none.
template <class Range, class IdOf>
auto distinct_ids(const Range& range, IdOf id_of) {
    using Id = std::remove_cvref_t<decltype(*id_of(*std::begin(range)))>;
    std::vector<Id> ids;
    for (const auto& element : range) {
        if (const Id* id = id_of(element)) ids.push_back(*id);
    }
    std::ranges::sort(ids);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
}

}  // namespace orderflow::outbox
