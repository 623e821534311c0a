#pragma once
// The orders table in memory, and a list of what was saved to it. One thread.
#include <map>
#include <vector>

#include "order/saga/saga_store.hpp"

namespace orderflow::test {

class MemoryOrders final : public order::SagaStore {
public:
    order::Sagas load(std::span<const OrderId> ids) override {
        order::Sagas sagas;
        for (const OrderId& id : ids) {
            const auto found = rows.find(id);
            if (found != rows.end()) sagas.loaded(id, found->second, 1);
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
        for (const order::NewOrder& order : orders) {
            if (!rows.emplace(order.id, order.saga).second) return false;
            inserted.push_back(order.id);
        }
        return true;
    }
    bool update(const order::Sagas& sagas) override {
        if (lose_updates) return false;
        for (const auto* entry : sagas.changes().updates) {
            rows[entry->id] = entry->row;
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
};

}  // namespace orderflow::test
