#pragma once
// A record that was decoded. Values; used by consumer loops and handlers, on the loop's thread.
#include <string>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "events/codec.hpp"
#include "events/events.hpp"
#include "kafka/record.hpp"

namespace orderflow::kafka {

// A decoded record.
struct Delivery {
    events::Event event;
    EventId id;
    Instant time;  // when it was recorded by its producer
    std::string traceparent;
    const Record* record = nullptr;

    const OrderId* order_id() const { return events::order_of(event); }
};

}  // namespace orderflow::kafka
