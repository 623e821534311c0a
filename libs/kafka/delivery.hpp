#pragma once
// Decoded records as values. Used by consumer loops and handlers, on the loop's thread.
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

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

    // nullptr: the event belongs to no order.
    const OrderId* order_id() const { return events::order_of(event); }
    // The same for handlers whose rules are about orders. Throws std::logic_error for an event
    // without an order, so that its record is parked like any other record that cannot be handled.
    const OrderId& order() const {
        const OrderId* of = order_id();
        if (!of) throw std::logic_error("an event of no order");
        return *of;
    }
    // The record's key, as the catalog defines it for the event; empty: the event has no key.
    std::optional<std::string_view> key() const { return record->key; }
};

}  // namespace orderflow::kafka
