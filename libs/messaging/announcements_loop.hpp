#pragma once
// The thread that sends announcements of parked records, each topic at its own pace. Inside
// libs/messaging only: RelayLoop runs it.
#include <stop_token>

#include "messaging/loops.hpp"

namespace orderflow::messaging {

// Sleeps until `announced` is rung, then leads, if no other process does, until all is sent.
void send_announcements(std::stop_token stop, const LoopContext& context, Bell& announced);

}  // namespace orderflow::messaging
