#pragma once
// A gate that is closed at first and is opened once; threads wait at it until then. A service opens
// one gate when the schema is in the database, and another one when the topics exist in Kafka.
// Thread-safe.
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

    // Blocks until the gate is open. False: a stop was requested before that.
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
