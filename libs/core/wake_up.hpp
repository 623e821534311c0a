#pragma once
// Wakes one waiting thread: the relay (through RelayFeed), or the thread of announcements.
// Thread-safe.
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace orderflow {

class WakeUp {
public:
    void signal() {
        const std::lock_guard lock(mutex_);
        pending_ = true;
        signalled_.notify_one();
    }

    // Waits for a signal, at most `at_most`. A signal that came before the call counts. One wait
    // consumes all signals so far.
    void wait(std::chrono::milliseconds at_most) {
        std::unique_lock lock(mutex_);
        signalled_.wait_for(lock, at_most, [this] { return pending_; });
        pending_ = false;
    }

private:
    std::mutex mutex_;
    std::condition_variable signalled_;
    bool pending_ = false;
};

}  // namespace orderflow
