#pragma once
// Shipping's rules: what is allowed, what follows. Pure; used by the shipping handler and the
// simulator.
//
//   (no row) → SCHEDULED → VOIDED      paid: a parcel, and a storage slot if the order wants one
//   (no row) → REFUSED   → CANCELLED   the country is not served, or no storage slot is free
//   (no row) → CANCELLED               a tombstone: the cancellation came before the payment
//
// Every first event leaves a row, so that a repeated or late event finds it and changes nothing.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "events/events.hpp"

namespace orderflow::shipping {

BOOST_DEFINE_ENUM_CLASS(State, SCHEDULED, REFUSED, VOIDED, CANCELLED)

// One order's shipment.
struct Shipment {
    State state = State::CANCELLED;
    std::optional<events::ShipmentRejection> reason;  // why it was refused
    std::optional<ShipmentId> shipment_id;            // from SCHEDULED on
    std::optional<std::string> tracking_number;       // from SCHEDULED on
    bool storage_booked = false;                      // it holds a slot now; never after VOIDED
    std::optional<Instant> scheduled_at;
    std::optional<Instant> voided_at;
    std::optional<events::Destination> destination;  // absent: picked up at the shop

    bool operator==(const Shipment&) const = default;
};

// The warehouse's storage, shared by all orders. A capacity below `used` is allowed: an operator
// has lowered it while slots were booked. No slot is booked until enough slots are freed.
struct Storage {
    std::int64_t capacity = 0;  // slots
    std::int64_t used = 0;      // slots

    bool has_free_slot() const { return used < capacity; }
    bool operator==(const Storage&) const = default;
};

struct Settings {
    std::vector<std::string> countries;  // served, ISO 3166-1 alpha-2, sorted

    bool serves(const std::string& country) const;
};

// "KR,US,JP" → the sorted set. Error: validation.
Result<std::vector<std::string>> parse_countries(std::string_view comma_separated);

struct Decision {
    std::optional<Shipment> next;     // empty: nothing changes
    std::int64_t storage_change = 0;  // slots: 1 booked, -1 freed
    std::vector<events::Event> events;
};

// Whether `decide` reads or changes the storage. Called for every event of a batch, with the rows
// as they were loaded, it covers the whole fold: only an order without a row can get a slot.
bool needs_storage(const Shipment* shipment, const events::Event& event);

// Every (state, event) pair has an answer; `shipment` is nullptr for an order without a row. An
// event that was already handled changes nothing and emits nothing. `new_id` becomes the id of a
// shipment that is scheduled here. Throws std::logic_error if the decision needs the storage and
// `storage` is nullptr.
Decision decide(const Shipment* shipment, const events::Event& event, const Storage* storage,
                const Settings& settings, const ShipmentId& new_id, Instant now);

// "OF" and the id's last eight bytes in hex: 62 random bits, so that a duplicate number is unlikely
// even among a hundred million shipments (1 in 1,000).
std::string tracking_number(const ShipmentId& id);

}  // namespace orderflow::shipping
