#pragma once
// Remembers when something outside of the process, such as Kafka, answered last. Code that receives
// an answer calls beat(); the health check calls alive(). Thread-safe.
#include <atomic>
#include <chrono>
#include <cstdint>

namespace orderflow {

class Pulse {
public:
    void beat() { last_ = now(); }
    // False also before the first beat.
    bool alive(std::chrono::milliseconds within) const {
        const std::int64_t last = last_;
        return last != 0 && now() - last <= within.count();
    }

private:
    static std::int64_t now() {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::steady_clock::now().time_since_epoch())
            .count();
    }
    std::atomic<std::int64_t> last_ = 0;  // milliseconds
};

}  // namespace orderflow
