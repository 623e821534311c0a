#pragma once
// The queue of ended orders: the consumers add to it, and the thread that sends the traces takes
// from it. Used by traces and trace_export.
#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

#include "core/ids.hpp"

namespace prometheus {
class Counter;
}

namespace orderflow::analytics {

// Orders whose traces must be made, the first due order at the front. Thread-safe.
class EndedOrders {
public:
    using Clock = std::chrono::steady_clock;
    struct Entry {
        OrderId id;
        Clock::time_point due;
        int looks = 0;  // at an order with missing events
    };
    static constexpr std::size_t kCapacity = 100'000;
    // How long to wait for the order's other events, because their topics are read at different
    // speeds.
    static constexpr std::chrono::seconds kWait{5};

    // `dropped` counts the orders that do not fit.
    explicit EndedOrders(prometheus::Counter& dropped) : dropped_(dropped) {}

    void push(std::span<const OrderId> ids, Clock::time_point now);
    // Again, after another wait.
    void put_back(Entry entry, Clock::time_point now);
    std::vector<Entry> take(Clock::time_point due, std::size_t at_most);

private:
    // With the mutex held.
    void add(const OrderId& id, Clock::time_point due, int looks);

    prometheus::Counter& dropped_;
    std::mutex mutex_;
    std::deque<Entry> entries_;
};

}  // namespace orderflow::analytics
