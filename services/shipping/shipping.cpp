#include "shipping/shipping.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "events/catalog.hpp"

namespace orderflow::shipping {
namespace {

using events::Participant;
using events::ShipmentRejection;

Decision nothing_to_compensate(const OrderId& id, Shipment shipment) {
    shipment.state = State::CANCELLED;
    Decision decision;
    decision.next = std::move(shipment);
    decision.events.push_back(events::NothingToCompensate{id, Participant::shipping, {}});
    return decision;
}

Decision void_shipment(const OrderId& id, Shipment shipment, Instant now) {
    Decision decision;
    decision.storage_change = shipment.storage_booked ? -1 : 0;
    shipment.state = State::VOIDED;
    shipment.storage_booked = false;
    shipment.voided_at = now;
    decision.events.push_back(events::ShipmentVoided{id, shipment.shipment_id.value()});
    decision.next = std::move(shipment);
    return decision;
}

// Decides for each event; the state of the shipment determines the answer.
struct Decide {
    const Shipment* shipment;
    const Storage* storage;
    const Settings& settings;
    const ShipmentId& new_id;
    Instant now;

    std::optional<ShipmentRejection> refusal(const events::Order& order) const {
        if (order.shipment && !settings.serves(order.shipment->address.country)) {
            return ShipmentRejection::CARRIER_REFUSED;
        }
        if (!order.warehouse_storage) return std::nullopt;
        if (!storage) throw std::logic_error("shipping: decided without the storage row");
        if (!storage->has_free_slot()) return ShipmentRejection::STORAGE_FULL;
        return std::nullopt;
    }

    Decision operator()(const events::PaymentCaptured& e) const {
        if (shipment) return {};
        Decision decision;
        Shipment next;
        next.destination = e.order.shipment;
        if (const auto reason = refusal(e.order)) {
            next.state = State::REFUSED;
            next.reason = reason;
            decision.events.push_back(events::ShipmentRefused{e.order_id, *reason});
        } else {
            next.state = State::SCHEDULED;
            next.shipment_id = new_id;
            next.tracking_number = tracking_number(new_id);
            next.storage_booked = e.order.warehouse_storage;
            next.scheduled_at = now;
            decision.storage_change = next.storage_booked ? 1 : 0;
            decision.events.push_back(
                events::ShipmentScheduled{e.order_id, new_id, *next.tracking_number, e.order.total,
                                          e.order.currency, next.storage_booked});
        }
        decision.next = std::move(next);
        return decision;
    }

    Decision operator()(const events::CancellationStarted& e) const {
        if (!shipment) return nothing_to_compensate(e.order_id, {});
        switch (shipment->state) {
            case State::SCHEDULED: return void_shipment(e.order_id, *shipment, now);
            case State::REFUSED: return nothing_to_compensate(e.order_id, *shipment);
            case State::VOIDED:
            case State::CANCELLED: return {};
        }
        throw std::logic_error("no such state");
    }

    // The other events are not for shipping: the catalog lets none of them through.
    template <class E>
        requires(!events::consumes<events::Service::shipping, E>)
    Decision operator()(const E&) const {
        return {};
    }
};

bool is_country(std::string_view text) {
    return text.size() == 2 &&
           std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

bool Settings::serves(const std::string& country) const {
    return std::ranges::binary_search(countries, country);
}

Result<std::vector<std::string>> parse_countries(std::string_view comma_separated) {
    std::vector<std::string> countries;
    for (std::size_t at = 0; at <= comma_separated.size();) {
        const auto end = std::min(comma_separated.find(',', at), comma_separated.size());
        const std::string_view country = comma_separated.substr(at, end - at);
        if (!is_country(country)) {
            return Error{"validation",
                         "'" + std::string(country) +
                             "' is not a country code: two capital letters each, comma separated"};
        }
        countries.emplace_back(country);
        at = end + 1;
    }
    std::ranges::sort(countries);
    countries.erase(std::unique(countries.begin(), countries.end()), countries.end());
    return countries;
}

bool needs_storage(const Shipment* shipment, const events::Event& event) {
    if (const auto* captured = std::get_if<events::PaymentCaptured>(&event)) {
        return !shipment && captured->order.warehouse_storage;
    }
    return std::holds_alternative<events::CancellationStarted>(event) && shipment &&
           shipment->storage_booked;
}

Decision decide(const Shipment* shipment, const events::Event& event, const Storage* storage,
                const Settings& settings, const ShipmentId& new_id, Instant now) {
    return std::visit(Decide{shipment, storage, settings, new_id, now}, event);
}

std::string tracking_number(const ShipmentId& id) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string number = "OF";
    for (std::size_t i = 8; i < id.bytes.size(); ++i) {
        number += kDigits[id.bytes[i] >> 4];
        number += kDigits[id.bytes[i] & 0x0f];
    }
    return number;
}

}  // namespace orderflow::shipping
