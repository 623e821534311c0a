#pragma once
// Which service emits which event on which topic, with which record key, and which services consume
// it: proto-events/catalog.json as C++ data, generated at build (cmake/embed_catalog.cmake). Used
// to find the topic and the key of an event that is appended to the outbox, to skip records before
// parsing if the consumer does not need them, and to create topics. Constants, any thread.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <boost/mp11.hpp>

#include "events/events.hpp"
#include "events/services.hpp"

namespace orderflow::events {

inline constexpr std::size_t kEventKinds = std::variant_size_v<Event>;

inline EventKind kind_of(const Event& event) { return static_cast<EventKind>(event.index()); }
// The kind of one event's struct.
template <class E>
constexpr EventKind kind_of() {
    return static_cast<EventKind>(boost::mp11::mp_find<Event, E>::value);
}

struct ServiceNames {
    std::string_view name;    // order-service
    std::string_view source;  // /order-service, the ce_source
    std::string_view topic;   // order-events, of its saga events; empty for analytics: it has none
    std::string_view schema;  // orders; in the shipped stacks its database has that name, too
};
const ServiceNames& names_of(Service service);

// A set of services, one bit each.
constexpr std::uint8_t bit(Service service) {
    return static_cast<std::uint8_t>(1u << static_cast<unsigned>(service));
}

// What the record key of an event is: a member of its data, or nothing.
enum class KeyRule : std::uint8_t { order_id, product_id, none };

struct CatalogRow {
    EventKind kind;
    Service producer;
    std::string_view topic;
    KeyRule key;
    std::uint8_t consumers;  // bits
};

std::span<const CatalogRow> catalog();

// "OrderPlaced.v1", the ce_type.
std::string_view type_name(EventKind kind);
// The topic that a service's saga events go to.
std::string_view topic_of(Service producer);
// The topic that one event of a service goes to. Throws std::logic_error if the catalog does not
// list the service as a producer of it.
std::string_view topic_of(EventKind kind, Service producer);

// The topics of the saga's events, one for each service that emits events.
std::vector<std::string_view> saga_topics();

// The settings of a topic. topics() lists the topics of the saga and those of the announcements: a
// retry topic for each topic of the saga, and the dead-letter queue.
struct TopicSettings {
    std::string_view name;
    std::uint8_t producers;  // bits
    int partitions;          // at least
    int replication;
    int min_insync_replicas;
    std::int64_t retention_ms;
    std::int64_t retention_bytes;  // per partition; the limit that is reached first applies
    int max_message_bytes;
};
std::span<const TopicSettings> topics();
inline constexpr int kPartitions = 6;  // each saga topic is created with so many

// The topics that `service` consumes.
std::vector<std::string_view> topics_consumed_by(Service service);

// What a consumer does with a record. The decision needs only its ce_type and topic.
enum class Interest : std::uint8_t { consume, skip, unknown_type, unknown_version };
struct Classification {
    Interest interest = Interest::unknown_type;
    EventKind kind{};
};
Classification classify(Service consumer, std::string_view topic, std::string_view ce_type);

}  // namespace orderflow::events

#include "events/catalog_rows.hpp"  // generated

namespace orderflow::events {

constexpr KeyRule key_rule_of(EventKind kind) {
    for (const CatalogRow& row : kCatalog) {
        if (row.kind == kind) return row.key;
    }
    return KeyRule::none;
}

constexpr bool is_consumed(EventKind kind, Service consumer) {
    for (const CatalogRow& row : kCatalog) {
        if (row.kind == kind && (row.consumers & bit(consumer))) return true;
    }
    return false;
}

// Whether the catalog lists an event for a consumer, whoever produces it. A service's rules ignore
// all others by one overload, and do not compile while an event that it consumes has no answer:
//     template <class E>
//         requires(!events::consumes<events::Service::shipping, E>)
//     Decision operator()(const E&) const { return {}; }
template <Service consumer, class E>
inline constexpr bool consumes = is_consumed(kind_of<E>(), consumer);

}  // namespace orderflow::events
