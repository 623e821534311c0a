#include "analytics/timeline/ended_orders.hpp"

#include <prometheus/counter.h>

namespace orderflow::analytics {

void EndedOrders::push(std::span<const OrderId> ids, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    for (const OrderId& id : ids) add(id, now + kWait, 0);
}

void EndedOrders::put_back(Entry entry, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    add(entry.id, now + kWait, entry.looks);
}

void EndedOrders::add(const OrderId& id, Clock::time_point due, int looks) {
    if (entries_.size() < kCapacity) {
        entries_.push_back({id, due, looks});
    } else {
        dropped_.Increment();
    }
}

std::vector<EndedOrders::Entry> EndedOrders::take(Clock::time_point due, std::size_t at_most) {
    std::vector<Entry> taken;
    const std::lock_guard lock(mutex_);
    while (!entries_.empty() && entries_.front().due <= due && taken.size() < at_most) {
        taken.push_back(entries_.front());
        entries_.pop_front();
    }
    return taken;
}

}  // namespace orderflow::analytics
