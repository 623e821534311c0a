#pragma once
// The machinery of bench-limit: queues between loops, loops that write one batch per transaction,
// and one publisher per service that sends the committed events to Kafka. One thread per loop and
// publisher, as in the services. A failure in any of them ends the program: an incomplete run would
// measure a wrong limit.

#include "core/ids.hpp"
#include "events/catalog.hpp"
#include "postgres/connection.hpp"
#include "kafka/producer.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace orderflow::bench {

using Batch = std::vector<OrderId>;

// Many producers, one consumer. The queue has no bound of its own: the gate limits the batches that
// are under way.
template <class T>
class Queue {
public:
    void push(T item) {
        {
            const std::lock_guard lock(mutex_);
            items_.push_back(std::move(item));
        }
        filled_.notify_one();
    }

    // Waits for an item for `at_most`; returns nullopt if none came.
    std::optional<T> pop(std::chrono::milliseconds at_most) {
        std::unique_lock lock(mutex_);
        filled_.wait_for(lock, at_most, [this] { return closed_ || !items_.empty(); });
        if (items_.empty()) return std::nullopt;
        T item = std::move(items_.front());
        items_.pop_front();
        return item;
    }

    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        filled_.notify_all();
    }

    [[nodiscard]] bool drained() const {
        const std::lock_guard lock(mutex_);
        return closed_ && items_.empty();
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable filled_;
    std::deque<T> items_;
    bool closed_ = false;
};

// Sends committed events with the services' own producer: the same settings, the same headers.
class Publisher {
public:
    Publisher(const std::string& brokers, events::Service service);
    ~Publisher() { queue_.close(); }

    void push(std::vector<kafka::Message> rows);

    // Blocks until the broker has confirmed everything pushed so far.
    void wait_confirmed() const;

private:
    void run();

    const std::string brokers_;
    const events::Service service_;
    Queue<std::vector<kafka::Message>> queue_;
    std::atomic<std::uint64_t> pushed_ = 0;
    std::atomic<std::uint64_t> confirmed_ = 0;
    std::jthread thread_;  // last: it uses the other members
};

// A thread with its own connection that runs the jobs of its queue in order.
class Loop {
public:
    using Job = std::function<void(postgres::Connection&)>;

    explicit Loop(std::string database_url);
    ~Loop() { queue_.close(); }

    void push(Job job) { queue_.push(std::move(job)); }

private:
    void run();

    postgres::Connection connection_;
    Queue<Job> queue_;
    std::jthread thread_;  // last: it uses the other members
};

// Admits at most `batches` batches between their first and their last step.
class Gate {
public:
    explicit Gate(int batches) : free_(batches) {}

    void enter() {
        std::unique_lock lock(mutex_);
        left_.wait(lock, [this] { return free_ > 0; });
        --free_;
    }

    void leave() {
        const std::lock_guard lock(mutex_);
        ++free_;
        left_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable left_;
    int free_;
};

}  // namespace orderflow::bench
