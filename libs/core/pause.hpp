#pragma once
// The sleep of a loop's thread. A stop request ends the sleep early. Any thread.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace orderflow {

// Blocks for `how_long`, or until a stop is requested.
inline void pause(const std::stop_token& stop, std::chrono::milliseconds how_long) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, how_long, [] { return false; });
}

}  // namespace orderflow
