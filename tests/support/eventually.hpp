#pragma once
// Waiting in tests: for an outcome, never for a fixed time. Any thread.
#include <chrono>
#include <thread>

namespace orderflow::test {

// Calls `predicate` until it returns true or `deadline` has passed; returns its last result.
template <class Predicate>
bool eventually(std::chrono::milliseconds deadline, Predicate predicate) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (!predicate()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return true;
}

}  // namespace orderflow::test
