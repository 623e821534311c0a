#pragma once
// The payments table in memory, with the versions of the real one. It has no transactions; a set
// that is refused changes nothing. One thread. It stays beside the simulator's store, which writes
// at a commit only: the tests call a handler without a transaction, put rows in and change them
// between two steps, lose a save at will, and count the rows that were read.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "payment/payment_store.hpp"
#include "support/payment_rows.hpp"

namespace orderflow::test {

class MemoryPayments : public payment::PaymentStore {
public:
    payment::Payments load(std::span<const OrderId> ids) override {
        payment::Payments payments;
        for (const OrderId& id : ids) {
            const auto found = rows.find(id);
            if (found != rows.end()) payments.loaded(id, found->second.first, found->second.second);
        }
        return payments;
    }
    bool save(const payment::Payments& payments) override {
        if (lose_next_save) return lose_next_save = false;
        const auto changes = payments.changes();
        const auto has_moved_on = [&](const payment::Payments::Entry* entry) {
            return version(entry->id) != entry->version;
        };
        if (std::ranges::any_of(changes.inserts, has_moved_on)) return false;
        if (std::ranges::any_of(changes.updates, has_moved_on)) return false;
        for (const auto* entry : changes.inserts) rows[entry->id] = {entry->row, 1};
        for (const auto* entry : changes.updates) {
            rows[entry->id] = {entry->row, entry->version + 1};
        }
        return true;
    }
    std::vector<payment::OpenPayment> find_open(std::span<const OrderId> ids) override {
        std::vector<payment::OpenPayment> open;
        for (const OrderId& id : ids) {
            const auto found = rows.find(id);
            if (found != rows.end() && payment::is_open(found->second.first.state)) {
                open.push_back(open_payment(id, found->second.first));
            }
        }
        return open;
    }
    payment::OpenPage scan_open(const OrderId& after, const OrderId& upto,
                                std::int64_t limit) override {
        payment::OpenPage page;
        for (auto i = rows.upper_bound(after); i != rows.end() && i->first <= upto; ++i) {
            if (limit-- == 0) break;
            ++scanned;
            page.last = i->first;
            const payment::Payment& payment = i->second.first;
            if (payment::is_open(payment.state)) {
                page.open.push_back(open_payment(i->first, payment));
            }
            if (is_contradicted(payment)) ++page.contradicted;
        }
        return page;
    }

    payment::State state(const OrderId& id) const { return rows.at(id).first.state; }

    std::map<OrderId, std::pair<payment::Payment, std::int64_t>> rows;  // payment, version
    bool lose_next_save = false;  // as if another instance had saved first
    int scanned = 0;

private:
    // 0: there is no such row.
    std::int64_t version(const OrderId& id) const {
        const auto found = rows.find(id);
        return found == rows.end() ? 0 : found->second.second;
    }
};

}  // namespace orderflow::test
