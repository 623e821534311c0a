#include "events/catalog.hpp"

#include <algorithm>
#include <stdexcept>

namespace orderflow::events {
namespace {

constexpr std::array<ServiceNames, 5> kServices{{
    {kServiceNames[0], "/order-service", "order-events", "orders"},
    {kServiceNames[1], "/payment-service", "payment-events", "payments"},
    {kServiceNames[2], "/inventory-service", "inventory-events", "inventory"},
    {kServiceNames[3], "/shipping-service", "shipping-events", "shipping"},
    {kServiceNames[4], "/analytics-service", "", "analytics"},
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

std::string_view topic_of(EventKind kind, Service producer) {
    for (const CatalogRow& row : kCatalog) {
        if (row.kind == kind && row.producer == producer) return row.topic;
    }
    throw std::logic_error("the catalog does not list the service as a producer of the event");
}

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
        if ((row.consumers & bit(service)) && std::ranges::find(names, row.topic) == names.end()) {
            names.push_back(row.topic);
        }
    }
    return names;
}

// First checks whether the consumer consumes the event at all: a service that skips OrderPlaced.v1
// also skips OrderPlaced.v2.
Classification classify(Service consumer, std::string_view topic, std::string_view ce_type) {
    const auto name = std::ranges::find_if(
        kTypeNames, [&](std::string_view known) { return is_same_event(ce_type, known); });
    if (name == std::ranges::end(kTypeNames)) return {Interest::unknown_type, {}};
    const auto kind = static_cast<EventKind>(name - std::ranges::begin(kTypeNames));
    for (const CatalogRow& row : kCatalog) {
        if (row.kind != kind || row.topic != topic) continue;
        if (!(row.consumers & bit(consumer))) break;
        return {ce_type == *name ? Interest::consume : Interest::unknown_version, kind};
    }
    return {Interest::skip, kind};
}

}  // namespace orderflow::events
