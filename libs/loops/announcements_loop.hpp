#pragma once
// The thread that sends announcements of parked records, each topic at its own pace. Inside
// libs/loops only: RelayLoop runs it.
#include <stop_token>

#include "core/wake_up.hpp"
#include "loops/context.hpp"

namespace orderflow::loops {

// Sleeps until `announced` is signalled. Then it leads, if no other process does, until all
// announcements are sent.
void send_announcements(std::stop_token stop, const Context& context, WakeUp& announced);

}  // namespace orderflow::loops
