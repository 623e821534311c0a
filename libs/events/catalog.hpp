#pragma once
// Which service emits which event on which topic, and which services consume it: the C++ form of
// proto-events/catalog.json; a contract test compares the two. Used to find the topic of an event
// that is appended to the outbox, to skip records before parsing if the consumer does not need
// them, and to create topics. Constants, any thread.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "events/events.hpp"
#include "events/services.hpp"

namespace orderflow::events {

// In the order of the alternatives of `Event`, so that `event.index()` is the kind.
enum class EventKind : std::uint8_t {
    OrderPlaced,
    CancellationStarted,
    OrderCompleted,
    OrderCancelled,
    StockReserved,
    StockRejected,
    StockReleased,
    StockAdjusted,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    NothingToCompensate,
    ShipmentScheduled,
    ShipmentRefused,
    ShipmentVoided,
};
inline constexpr std::size_t kEventKinds = std::variant_size_v<Event>;

inline EventKind kind_of(const Event& event) { return static_cast<EventKind>(event.index()); }

struct ServiceNames {
    std::string_view name;    // order-service
    std::string_view source;  // /order-service, the ce_source
    std::string_view topic;   // order-events; empty for analytics, which emits no events
    std::string_view schema;  // orders; in the shipped stacks its database has that name, too
};
const ServiceNames& names_of(Service service);

// A set of services, one bit each.
constexpr std::uint8_t bit(Service service) {
    return static_cast<std::uint8_t>(1u << static_cast<unsigned>(service));
}

struct CatalogRow {
    EventKind kind;
    Service producer;
    std::uint8_t consumers;  // bits
    bool keyed_by_product = false;
};

std::span<const CatalogRow> catalog();

// "OrderPlaced.v1", the ce_type.
std::string_view type_name(EventKind kind);
std::string_view topic_of(Service producer);

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
inline constexpr int kPartitions = 6;  // each topic is created with so many

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
