#pragma once
// A door that is opened once: whoever needs what is behind it waits there. The host of a service
// opens one when the schema is in the database and one when the topics are there. Thread-safe.
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace orderflow {

class Gate {
public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        opened_.notify_all();
    }

    bool is_open() const {
        const std::lock_guard lock(mutex_);
        return open_;
    }

    // Blocks until it is open, or a stop is asked for: then false.
    bool wait(const std::stop_token& stop) const {
        std::unique_lock lock(mutex_);
        return opened_.wait(lock, stop, [this] { return open_; });
    }

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable_any opened_;
    bool open_ = false;
};

}  // namespace orderflow
