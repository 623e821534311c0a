#pragma once
// The payments table in memory, with the versions of the real one. One thread.
#include <map>
#include <utility>
#include <vector>

#include "payment/payment_store.hpp"

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
        const auto changes = payments.changes();
        if (lose_next_save) return lose_next_save = false;
        for (const auto* entry : changes.inserts) rows[entry->id] = {entry->row, 1};
        for (const auto* entry : changes.updates) {
            rows.at(entry->id) = {entry->row, entry->version + 1};
        }
        return true;
    }
    std::vector<payment::OpenPayment> find_open(std::span<const OrderId> ids) override {
        std::vector<payment::OpenPayment> open;
        for (const OrderId& id : ids) {
            const auto found = rows.find(id);
            if (found != rows.end() && payment::is_open(found->second.first.state)) {
                open.push_back(view(id, found->second.first));
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
            if (payment::is_open(payment.state)) page.open.push_back(view(i->first, payment));
        }
        if (page.last) page.contradicted = contradicted;
        return page;
    }

    payment::State state(const OrderId& id) const { return rows.at(id).first.state; }

    std::map<OrderId, std::pair<payment::Payment, std::int64_t>> rows;  // payment, version
    bool lose_next_save = false;  // as if another instance had saved first
    int scanned = 0;
    int contradicted = 0;  // the count that a page with rows reports

private:
    static payment::OpenPayment view(const OrderId& id, const payment::Payment& payment) {
        return {id,
                payment.state,
                payment.attempts,
                payment.touched_at,
                payment.opened_at,
                payment::amount_of(*payment.order),
                payment.order->payment.token};
    }
};

}  // namespace orderflow::test
