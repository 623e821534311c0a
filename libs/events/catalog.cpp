#include "events/catalog.hpp"

#include <algorithm>

#include "events/announcements.hpp"

namespace orderflow::events {
namespace {

constexpr std::array<ServiceNames, 5> kServices{{
    {kServiceNames[0], "/order-service", "order-events", "orders"},
    {kServiceNames[1], "/payment-service", "payment-events", "payments"},
    {kServiceNames[2], "/inventory-service", "inventory-events", "inventory"},
    {kServiceNames[3], "/shipping-service", "shipping-events", "shipping"},
    {kServiceNames[4], "/analytics-service", "", "analytics"},
}};

constexpr auto kOrder = bit(Service::order);
constexpr auto kPayment = bit(Service::payment);
constexpr auto kInventory = bit(Service::inventory);
constexpr auto kShipping = bit(Service::shipping);
constexpr auto kAnalytics = bit(Service::analytics);

constexpr std::array<CatalogRow, 17> kCatalog{{
    {EventKind::OrderPlaced, Service::order, kInventory | kAnalytics},
    {EventKind::CancellationStarted, Service::order,
     kInventory | kPayment | kShipping | kAnalytics},
    {EventKind::OrderCompleted, Service::order, kInventory | kAnalytics},
    {EventKind::OrderCancelled, Service::order, kAnalytics},
    {EventKind::StockReserved, Service::inventory, kPayment | kOrder | kAnalytics},
    {EventKind::StockRejected, Service::inventory, kOrder | kAnalytics},
    {EventKind::StockReleased, Service::inventory, kOrder | kAnalytics},
    {EventKind::NothingToCompensate, Service::inventory, kOrder | kAnalytics},
    {EventKind::StockAdjusted, Service::inventory, kAnalytics, true},
    {EventKind::PaymentCaptured, Service::payment, kShipping | kOrder | kAnalytics},
    {EventKind::PaymentDeclined, Service::payment, kOrder | kAnalytics},
    {EventKind::PaymentRefunded, Service::payment, kOrder | kAnalytics},
    {EventKind::NothingToCompensate, Service::payment, kOrder | kAnalytics},
    {EventKind::ShipmentScheduled, Service::shipping, kOrder | kAnalytics},
    {EventKind::ShipmentRefused, Service::shipping, kOrder | kAnalytics},
    {EventKind::ShipmentVoided, Service::shipping, kOrder | kAnalytics},
    {EventKind::NothingToCompensate, Service::shipping, kOrder | kAnalytics},
}};

constexpr std::array<std::string_view, kEventKinds> kTypeNames{
    "OrderPlaced.v1",       "CancellationStarted.v1", "OrderCompleted.v1",
    "OrderCancelled.v1",    "StockReserved.v1",       "StockRejected.v1",
    "StockReleased.v1",     "StockAdjusted.v1",       "PaymentCaptured.v1",
    "PaymentDeclined.v1",   "PaymentRefunded.v1",     "NothingToCompensate.v1",
    "ShipmentScheduled.v1", "ShipmentRefused.v1",     "ShipmentVoided.v1"};

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
constexpr std::int64_t kGiB = 1LL << 30;
constexpr int kMaxMessageBytes = 327'680;  // 256 KiB of data, and room for headers and framing

constexpr TopicSettings saga_topic(std::string_view name, std::uint8_t producers) {
    return {name, producers, kPartitions, 3, 2, 7 * kDayMs, 32 * kGiB, kMaxMessageBytes};
}
// The services that consume a topic are the producers of its retry topic.
constexpr TopicSettings retry_topic(std::string_view name, std::uint8_t producers) {
    return {name, producers, kPartitions, 3, 2, 7 * kDayMs, 1 * kGiB, kMaxMessageBytes};
}

constexpr std::array<TopicSettings, 9> kTopics{{
    saga_topic("order-events", kOrder),
    saga_topic("inventory-events", kInventory),
    saga_topic("payment-events", kPayment),
    saga_topic("shipping-events", kShipping),
    retry_topic("order-events.retry", kPayment | kInventory | kShipping | kAnalytics),
    retry_topic("inventory-events.retry", kOrder | kPayment | kAnalytics),
    retry_topic("payment-events.retry", kOrder | kShipping | kAnalytics),
    retry_topic("shipping-events.retry", kOrder | kAnalytics),
    {kDeadLetterTopic, kOrder | kPayment | kInventory | kShipping | kAnalytics, kPartitions, 3, 2,
     30 * kDayMs, 4 * kGiB, kMaxMessageBytes},
}};

std::string_view without_version(std::string_view type) { return type.substr(0, type.rfind(".v")); }

// Whether both names are the same event, in whatever major versions ("OrderPlaced.v1",
// "OrderPlaced.v2").
bool is_same_event(std::string_view ce_type, std::string_view known) {
    return ce_type.rfind(".v") != std::string_view::npos &&
           without_version(ce_type) == without_version(known);
}

}  // namespace

const ServiceNames& names_of(Service service) {
    return kServices[static_cast<std::size_t>(service)];
}

std::span<const CatalogRow> catalog() { return kCatalog; }

std::string_view type_name(EventKind kind) { return kTypeNames[static_cast<std::size_t>(kind)]; }

std::string_view topic_of(Service producer) { return names_of(producer).topic; }

std::vector<std::string_view> saga_topics() {
    std::vector<std::string_view> names;
    for (const ServiceNames& service : kServices) {
        if (!service.topic.empty()) names.push_back(service.topic);
    }
    return names;
}

std::span<const TopicSettings> topics() { return kTopics; }

std::vector<std::string_view> topics_consumed_by(Service service) {
    std::vector<std::string_view> names;
    for (const CatalogRow& row : kCatalog) {
        const auto topic = topic_of(row.producer);
        if ((row.consumers & bit(service)) && std::ranges::find(names, topic) == names.end()) {
            names.push_back(topic);
        }
    }
    return names;
}

// First checks whether the consumer consumes the event at all: a service that skips OrderPlaced.v1
// also skips OrderPlaced.v2.
Classification classify(Service consumer, std::string_view topic, std::string_view ce_type) {
    const auto name = std::ranges::find_if(
        kTypeNames, [&](std::string_view known) { return is_same_event(ce_type, known); });
    if (name == kTypeNames.end()) return {Interest::unknown_type, {}};
    const auto kind = static_cast<EventKind>(name - kTypeNames.begin());
    for (const CatalogRow& row : kCatalog) {
        if (row.kind != kind || topic_of(row.producer) != topic) continue;
        if (!(row.consumers & bit(consumer))) break;
        return {ce_type == *name ? Interest::consume : Interest::unknown_version, kind};
    }
    return {Interest::skip, kind};
}

}  // namespace orderflow::events
