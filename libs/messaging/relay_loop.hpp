#pragma once
// The relay's threads around its steps, one pair per process: the saga's lane, which leads or
// stands by, and announcements, whose thread sleeps until there is one. Used by each service's
// main.
#include <thread>

#include "messaging/outbox.hpp"

namespace orderflow::messaging {

struct LoopContext;

class RelayLoop {
public:
    explicit RelayLoop(const LoopContext& context);
    void request_stop();
    // Waits for the reports of what is produced, up to 2 s, and saves the checkpoints. Blocks.
    void stop();
    ~RelayLoop() { stop(); }

private:
    Bell& bell_;
    Bell announced_;
    std::jthread announcements_;
    std::jthread saga_;
};

}  // namespace orderflow::messaging
