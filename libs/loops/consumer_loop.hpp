#pragma once
// The thread around the consumer's step and the retries of parked records. It has its own
// connection. It catches and counts all exceptions; a batch that failed is run again, never
// skipped.
#include <thread>

#include "loops/context.hpp"
#include "loops/subscription.hpp"

namespace orderflow::loops {

class ConsumerLoop {
public:
    ConsumerLoop(const Context& context, Subscription subscription);
    // Finishes the present transaction, commits the offsets of processed records, and leaves the
    // group. A batch that has not begun is delivered again, here or elsewhere.
    void request_stop() { thread_.request_stop(); }
    // The same; blocks.
    void stop();

private:
    std::jthread thread_;
};

}  // namespace orderflow::loops
