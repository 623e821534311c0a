#pragma once
// The exception for a dependency (database, broker, a full queue) that cannot serve now but may be
// able to later. Pools and queues throw it, on any thread; the HTTP session answers with 503 and
// Retry-After. The text is logged and never sent to the client.
#include <stdexcept>

namespace orderflow {

struct Unavailable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace orderflow
