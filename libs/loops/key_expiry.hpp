#pragma once
// The expiry of idempotency keys (outbox/request_keys.hpp). Owned by a service's main.
#include <chrono>

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "core/safe_age.hpp"
#include "loops/context.hpp"
#include "loops/ticker.hpp"
#include "outbox/request_keys.hpp"

namespace orderflow::loops {

// Deletes keys that are older than `kept` by all clocks (SafeAge), at most 10,000 a second.
class KeyExpiry {
public:
    KeyExpiry(outbox::RequestKeys& keys, std::chrono::seconds kept, prometheus::Registry& registry);

    // One comparison of the clocks, and the deletion of the keys that are old by all of them.
    // Throws DatabaseError.
    void step(Instant process_now, SafeAge::Steady steady_now);

private:
    outbox::RequestKeys& keys_;
    SafeAge age_;
    prometheus::Gauge& difference_;
    bool agreed_ = true;
};

// A `KeyExpiry` on a thread and a connection of its own, a step per second.
Ticker key_expiry_ticker(const Context& context, std::chrono::seconds kept);

}  // namespace orderflow::loops
