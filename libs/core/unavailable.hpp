#pragma once
// Something we depend on (database, broker, a full queue) cannot serve now and may later. Thrown by
// pools and queues; the HTTP session answers it with 503 and Retry-After. Its text is logged, never
// sent.
#include <stdexcept>

namespace orderflow {

struct Unavailable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace orderflow
