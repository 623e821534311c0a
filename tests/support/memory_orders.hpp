#pragma once
// The orders table in memory, and a list of what was saved to it. It has no transactions; a set
// that is refused changes nothing. A row that a test puts there itself has version 1. One thread.
// It stays beside the simulator's store, which writes at a commit only: the tests call a handler
// without a transaction, put rows in, and check which were saved and how many were read.
#include <algorithm>
#include <map>
#include <vector>

#include "order/saga/saga_store.hpp"
#include "support/builders.hpp"

namespace orderflow::test {

// The row of an order in this state.
inline order::Saga saga_of(const Story& story, order::State state) {
    using order::State;
    order::Saga saga = *order::place(story.id, story.order).next;
    saga.state = state;
    if (state == State::CANCELLING || state == State::CANCELLED) {
        saga.reason = events::Reason::OUT_OF_STOCK;
    }
    if (state == State::CANCELLED || state == State::COMPLETED) saga.finished_at = at(1);
    return saga;
}

class MemoryOrders final : public order::SagaStore {
public:
    order::Sagas load(std::span<const OrderId> ids) override {
        order::Sagas sagas;
        for (const OrderId& id : ids) {
            const auto found = rows.find(id);
            if (found != rows.end()) sagas.loaded(id, found->second, version(id));
        }
        return sagas;
    }
    order::Ledgers ledgers(std::span<const OrderId> ids) override {
        order::Ledgers found;
        for (const OrderId& id : ids) {
            if (ledger.contains(id)) found[id] = ledger.at(id);
        }
        return found;
    }
    bool insert(std::span<const order::NewOrder> orders) override {
        const auto exists = [&](const order::NewOrder& order) { return rows.contains(order.id); };
        if (std::ranges::any_of(orders, exists)) return false;
        for (const order::NewOrder& order : orders) {
            rows.emplace(order.id, order.saga);
            inserted.push_back(order.id);
        }
        return true;
    }
    bool update(const order::Sagas& sagas) override {
        if (lose_updates) return false;
        const auto updates = sagas.changes().updates;
        const auto is_stale = [&](const order::Sagas::Entry* entry) {
            return !rows.contains(entry->id) || version(entry->id) != entry->version;
        };
        if (std::ranges::any_of(updates, is_stale)) return false;
        for (const auto* entry : updates) {
            rows[entry->id] = entry->row;
            versions_[entry->id] = entry->version + 1;
            updated.push_back(entry->id);
        }
        return true;
    }

    order::ProcessingPage scan_processing(const OrderId& after, const OrderId& upto,
                                          std::int64_t limit) override {
        order::ProcessingPage page;
        for (auto row = rows.upper_bound(after); row != rows.end() && row->first <= upto; ++row) {
            if (limit-- == 0) break;
            ++scanned;
            page.last = row->first;
            if (row->second.state == order::State::PROCESSING) {
                page.processing.push_back(row->first);
            }
        }
        return page;
    }

    std::map<OrderId, order::Saga> rows;
    order::Ledgers ledger;
    std::vector<OrderId> inserted, updated;
    bool lose_updates = false;
    std::size_t scanned = 0;  // number of rows, in all scans

private:
    std::int64_t version(const OrderId& id) const {
        const auto found = versions_.find(id);
        return found == versions_.end() ? 1 : found->second;
    }

    std::map<OrderId, std::int64_t> versions_;  // of the rows that were updated
};

}  // namespace orderflow::test
