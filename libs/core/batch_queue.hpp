#pragma once
// A bounded queue whose consumer takes batches: HTTP handlers and gateway calls push, a loop takes
// everything that waits. Thread-safe. Several consumers may share a queue if its limits do not let
// them linger (core/gathering.hpp).
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "core/gathering.hpp"

namespace orderflow {

template <class T>
class BatchQueue {
public:
    explicit BatchQueue(std::size_t capacity, GatherLimits limits = {})
        : capacity_(capacity), gathering_(limits) {}

    // False if the queue is full or closed; `item` is then unchanged.
    bool push(T&& item) {
        {
            const std::lock_guard lock(mutex_);
            if (closed_ || items_.size() >= capacity_) return false;
            if (items_.empty()) first_ = Gathering::Clock::now();
            items_.push_back(std::move(item));
            if (waiting_ == 0 || items_.size() < wanted_) return true;
        }
        filled_.notify_one();
        return true;
    }

    // Takes the items that wait, at most `max_records`. Waits up to `idle` for a first item, then
    // lingers for more as Gathering decides. The result is empty if no item came in time, or if the
    // queue is closed and has no items left.
    std::vector<T> take(std::chrono::milliseconds idle) {
        std::unique_lock lock(mutex_);
        wait_for(lock, 1, idle);
        if (items_.empty()) return {};
        gather(lock);
        std::vector<T> batch;
        if (items_.size() <= gathering_.limits().max_records) {
            batch.swap(items_);
        } else {
            const auto end =
                items_.begin() + static_cast<std::ptrdiff_t>(gathering_.limits().max_records);
            batch.assign(std::make_move_iterator(items_.begin()), std::make_move_iterator(end));
            items_.erase(items_.begin(), end);
            first_ = Gathering::Clock::now();
        }
        gathering_.taken(batch.size(), Gathering::Clock::now());
        return batch;
    }

    // From now on push() adds no item; take() still returns the items inside.
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        filled_.notify_all();
    }

    bool closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }

    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return items_.size();
    }

private:
    void gather(std::unique_lock<std::mutex>& lock) {
        const GatherLimits& limits = gathering_.limits();
        const auto gap = limits.gather_gap;
        for (;;) {
            const std::size_t before = items_.size();
            auto patience = gathering_.patience(before, first_, Gathering::Clock::now());
            if (patience.count() == 0) return;
            if (gap.count() > 0) patience = std::min<std::chrono::microseconds>(patience, gap);
            const bool enough = before >= limits.gather_records;
            wait_for(lock, enough ? limits.max_records : limits.gather_records, patience);
            if (closed_ || (gap.count() > 0 && items_.size() == before)) return;
        }
    }

    void wait_for(std::unique_lock<std::mutex>& lock, std::size_t wanted,
                  std::chrono::microseconds patience) {
        ++waiting_;
        wanted_ = wanted;
        filled_.wait_for(lock, patience, [&] { return closed_ || items_.size() >= wanted; });
        --waiting_;
    }

    const std::size_t capacity_;
    mutable std::mutex mutex_;
    std::condition_variable filled_;
    std::vector<T> items_;
    Gathering gathering_;
    // When the first of items_ came, or when take() left it behind.
    Gathering::Clock::time_point first_{};
    std::size_t wanted_ = 1;
    int waiting_ = 0;
    bool closed_ = false;
};

}  // namespace orderflow
