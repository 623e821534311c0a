#pragma once
// A thread that repeats a step, with a pause in between and a connection of its own: the deadline,
// the expiry of idempotency keys, the search for open orders. It begins when the schema is ready. A
// step that throws is counted and logged, its connection is dropped, and the next step comes after
// the same pause.
#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include "loops/context.hpp"

namespace orderflow::loops {

class Ticker {
public:
    // One step. Returns how long to pause after it; empty: the ticker's period.
    using Step = std::function<std::optional<std::chrono::milliseconds>()>;
    // Makes the step, once, on the ticker's thread; the connection outlives the step. If it throws,
    // it is called again after a pause.
    using MakeStep = std::function<Step(postgres::Connection&)>;

    // `name` is the loop's name in `orderflow_loop_failures_total` and in the log.
    Ticker(const Context& context, const char* name, std::chrono::milliseconds period,
           MakeStep make_step);

    // A running step is finished; a pause ends early.
    void request_stop() { thread_.request_stop(); }
    // The same; blocks.
    void stop();

private:
    std::jthread thread_;
};

}  // namespace orderflow::loops
