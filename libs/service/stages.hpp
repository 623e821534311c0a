#pragma once
// The order in which a service's loops end, as main.cpp lists it. Used by Host::run, on the main
// thread.
#include <concepts>
#include <functional>
#include <vector>

#include "loops/consumer_loop.hpp"

namespace orderflow::service {

// What ends at the same time: all are asked first, then each is waited for, so that the slowest one
// sets the time.
struct Stage {
    std::vector<std::function<void()>> request_stops;  // return at once
    std::vector<std::function<void()>> stops;          // block

    void request_stop() const {
        for (const auto& request : request_stops) request();
    }
    void stop() const {
        request_stop();
        for (const auto& wait : stops) wait();
    }
};

inline void add(Stage& stage, loops::ConsumerLoops& loops) {
    for (const auto& loop : loops) {
        stage.request_stops.push_back([&loop = *loop] { loop.request_stop(); });
        stage.stops.push_back([&loop = *loop] { loop.join(); });
    }
}

// A loop with stop(), which blocks, and request_stop(); or something to be called.
template <class Loop>
void add(Stage& stage, Loop& loop) {
    if constexpr (std::invocable<Loop&>) {
        stage.stops.push_back([&loop] { loop(); });
    } else {
        if constexpr (requires { loop.request_stop(); }) {
            stage.request_stops.push_back([&loop] { loop.request_stop(); });
        }
        stage.stops.push_back([&loop] { loop.stop(); });
    }
}

// stage(listener, consumers): both must outlive it.
template <class... Loops>
Stage stage(Loops&... loops) {
    Stage all;
    (add(all, loops), ...);
    return all;
}

}  // namespace orderflow::service
