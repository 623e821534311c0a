#pragma once
// The sleep of a thread that goes round: a stop ends it.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace orderflow {

// Blocks for so long, or until a stop is asked for.
inline void pause(const std::stop_token& stop, std::chrono::milliseconds how_long) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, how_long, [] { return false; });
}

}  // namespace orderflow
