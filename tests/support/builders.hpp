#pragma once
// Builds orders, events and records for tests: valid, with ids of their own; a test changes only
// the members that it is about. Any thread.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "events/catalog.hpp"
#include "events/codec.hpp"
#include "events/events.hpp"
#include "kafka/record.hpp"

namespace orderflow::test {

// 2026-01-02T03:04:05.123456Z, and an instant that is later by some seconds.
inline constexpr Instant kPlacedAt{std::chrono::microseconds{1'767'323'045'123'456}};
inline constexpr Instant at(std::int64_t seconds_later) {
    return kPlacedAt + std::chrono::seconds{seconds_later};
}

template <class T>
T new_id() {
    static thread_local IdSource ids;
    return ids.next<T>(system_now());
}
inline OrderId new_order_id() { return new_id<OrderId>(); }

// A name for a test's own customer, product or group: prefix-<uuid>.
inline std::string unique(const std::string& prefix) {
    return prefix + "-" + new_id<EventId>().to_string();
}

// One Laptop for 1500 won, paid by a card that works.
inline events::Order an_order() {
    events::Order order;
    order.customer_id = "CUST-001";
    order.total = 1500;
    order.items = {{"ITEM-001", "Laptop", 1500, 1}};
    order.payment = {events::PaymentMethod::card, "tok_ok"};
    order.shipment =
        events::Destination{"Kim Min-ji", {"110 Sejong-daero", "Seoul", "04524", "KR"}};
    order.placed_at = kPlacedAt;
    return order;
}

// Every event of one order, with data that are consistent with each other.
struct Story {
    OrderId id = new_order_id();
    events::Order order = an_order();
    ShipmentId shipment = new_id<ShipmentId>();

    events::OrderPlaced placed() const { return {id, order}; }
    events::StockReserved reserved() const { return {id, order}; }
    events::StockRejected rejected(
        events::StockRejection reason = events::StockRejection::OUT_OF_STOCK) const {
        return {id, reason, order.items.front().product_id};
    }
    events::StockReleased released() const { return {id}; }
    events::PaymentCaptured captured() const {
        return {id, "ch_" + id.to_string(), order.total, order.currency, order};
    }
    events::PaymentDeclined declined(
        events::PaymentRejection reason = events::PaymentRejection::CARD_DECLINED) const {
        return {id, reason};
    }
    events::PaymentRefunded refunded() const { return {id, order.total, order.currency, {}}; }
    events::ShipmentScheduled scheduled() const {
        return {id, shipment, "TRK-1", order.total, order.currency, order.warehouse_storage};
    }
    events::ShipmentRefused refused(
        events::ShipmentRejection reason = events::ShipmentRejection::CARRIER_REFUSED) const {
        return {id, reason};
    }
    events::ShipmentVoided voided() const { return {id, shipment}; }
    events::NothingToCompensate nothing(events::Participant participant) const {
        return {id, participant, {}};
    }
    events::CancellationStarted cancellation(
        events::Reason reason = events::Reason::CUSTOMER) const {
        return {id, reason};
    }
    events::OrderCompleted completed() const {
        return {id, order.customer_id, shipment, order.total, order.currency};
    }
    events::OrderCancelled cancelled(events::Reason reason = events::Reason::CUSTOMER) const {
        return {id, order.customer_id, reason, order.total, order.currency, {}};
    }
};

// "OrderPlaced": the event's name without its version.
inline std::string name_of(const events::Event& event) {
    const auto type = events::type_name(events::kind_of(event));
    return std::string(type.substr(0, type.find('.')));
}

inline events::Service producer_of(const events::Event& event) {
    if (const auto* nothing = std::get_if<events::NothingToCompensate>(&event)) {
        switch (nothing->participant) {
            case events::Participant::inventory: return events::Service::inventory;
            case events::Participant::payment: return events::Service::payment;
            case events::Participant::shipping: return events::Service::shipping;
        }
    }
    const auto rows = events::catalog();
    return std::ranges::find(rows, events::kind_of(event), &events::CatalogRow::kind)->producer;
}

// A record as its producer would send it. A test can damage it before it becomes a Record.
struct Message {
    std::string topic;
    std::string key;
    std::string value;
    std::vector<std::pair<std::string, std::string>> headers;

    std::string& header(std::string_view name) {
        return std::ranges::find(
                   headers, name,
                   [](const auto& header) -> std::string_view { return header.first; })
            ->second;
    }
};

inline Message message_of(const events::Event& event, EventId id = new_id<EventId>(),
                          const std::string& traceparent = {}) {
    const events::Service producer = producer_of(event);
    Message message;
    message.topic = events::topic_of(producer);
    message.key = events::key_of(event).value();
    events::encode(event, message.value);
    message.headers = {{"ce_specversion", "1.0"},
                       {"ce_id", id.to_string()},
                       {"ce_type", std::string(events::type_name(events::kind_of(event)))},
                       {"ce_source", std::string(events::names_of(producer).source)},
                       {"ce_subject", message.key},
                       {"ce_time", to_rfc3339(kPlacedAt)},
                       {"content-type", "application/json"}};
    if (!traceparent.empty()) message.headers.emplace_back("traceparent", traceparent);
    return message;
}

// The record owns its bytes.
inline kafka::Record record_of(Message message, std::int64_t offset = 0) {
    const auto bytes = std::make_shared<const Message>(std::move(message));
    kafka::Record record;
    record.topic = bytes->topic;
    record.offset = offset;
    record.key = bytes->key;
    record.value = bytes->value;
    for (const auto& [name, value] : bytes->headers) record.headers.emplace_back(name, value);
    record.owner = bytes;
    return record;
}
inline kafka::Record record_of(const events::Event& event) { return record_of(message_of(event)); }

// Returns the records in the order of the events; each has its own offset.
inline std::vector<kafka::Record> records_of(const std::vector<Message>& messages) {
    static std::atomic<std::int64_t> next_offset = 0;
    std::vector<kafka::Record> records;
    for (const Message& message : messages) records.push_back(record_of(message, next_offset++));
    return records;
}
inline std::vector<kafka::Record> records_of(const std::vector<events::Event>& list) {
    std::vector<Message> messages;
    for (const auto& event : list) messages.push_back(message_of(event));
    return records_of(messages);
}

}  // namespace orderflow::test
