#pragma once
// The relay's two threads, one pair per process. One sends the saga's lane, if this process leads;
// otherwise it stands by. The other sends announcements, and sleeps until there is one. Used by
// each service's main.
#include <thread>

#include "core/wake_up.hpp"
#include "loops/context.hpp"
#include "outbox/postgres_unit_of_work.hpp"

namespace orderflow::loops {

class RelayLoop {
public:
    explicit RelayLoop(const Context& context);
    // Waits for the reports of produced events, up to 2 s, and saves the checkpoints. Blocks.
    void stop();
    ~RelayLoop() { stop(); }

private:
    void request_stop();

    outbox::RelayFeed& relay_feed_;
    WakeUp announced_;
    std::jthread announcements_;
    std::jthread saga_;
};

}  // namespace orderflow::loops
