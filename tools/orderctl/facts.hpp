#pragma once
// The data that `orderctl check` and `orderctl rebuild` read from a stack: from the five databases,
// the topics and the gateway's ledger. They take so few bytes per order (about 1,000, its events
// included) that a million orders fit into memory. The readers (facts_*.cpp) fill them, the pure
// checker (check.hpp, fold.hpp) judges them. One thread.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include "core/ids.hpp"
#include "core/money.hpp"
#include "core/time.hpp"
#include "events/catalog.hpp"

namespace orderflow::orderctl {

using events::Service;

// The states as the audit views name them. They are defined here a second time on purpose: a
// checker that used the services' own types would share their mistakes.
BOOST_DEFINE_ENUM_CLASS(OrderState, PROCESSING, COMPLETED, CANCELLING, CANCELLED)
BOOST_DEFINE_ENUM_CLASS(ReservationState, RESERVED, REJECTED, RELEASED, CANCELLED, SOLD)
BOOST_DEFINE_ENUM_CLASS(PaymentState, INTENT, UNKNOWN, CAPTURED, DECLINED, CANCELLING, REFUNDED,
                        NEVER_CHARGED, SETTLED)
BOOST_DEFINE_ENUM_CLASS(ShipmentState, SCHEDULED, REFUSED, VOIDED, CANCELLED)
BOOST_DEFINE_ENUM_CLASS(Settlement, REFUNDED, NEVER_CHARGED)

// Sums of money and of pieces over all orders do not fit 64 bits.
__extension__ typedef __int128 Wide;
std::string to_text(Wide value);

// Stands for a text that is only compared; 0 for no text.
using Digest = std::uint64_t;
Digest digest(std::string_view text);

// The rows of one order: once as folded from its services' ledgers, once from their tables. Only
// members that both contain are compared.
struct OrderRow {
    OrderState state = OrderState::PROCESSING;
    std::optional<events::Reason> reason;
    std::int16_t answers = 0;  // bits: inventory 1, payment 2, shipping 4
    std::int16_t undone = 0;   // bits: StockReleased 1, PaymentRefunded 2, ShipmentVoided 4
    bool reserved = false;     // StockReserved was handled
    bool captured = false;     // PaymentCaptured was handled
    bool cancelling = false;   // CANCELLING has its time
    bool finished = false;     // the end has its time
    std::optional<ShipmentId> shipment;
    Digest customer = 0;
    Digest body = 0;  // the order block
    Money total;
};
struct ReservationRow {
    ReservationState state = ReservationState::RESERVED;
    std::optional<events::StockRejection> reason;
    bool reserved = false;  // it held pieces at some time
    Digest items = 0;       // the reserved items, in the table's form
    Digest body = 0;        // the order block of StockReserved; ledger only
};
struct PaymentRow {
    PaymentState state = PaymentState::INTENT;
    std::optional<events::PaymentRejection> reason;
    std::optional<Money> amount;
    Digest charge = 0;
    Digest body = 0;        // the order block of PaymentCaptured; ledger only
    bool captured = false;  // PaymentCaptured was announced; ledger only
    bool settled_by_hand = false;
    // What an operator settled, and who did: in an event of the ledger, in columns of the table.
    std::optional<Settlement> settled_as;
    Digest settled_by = 0;
    Digest destination = 0;  // of that order block; ledger only
};
struct ShipmentRow {
    ShipmentState state = ShipmentState::SCHEDULED;
    std::optional<events::ShipmentRejection> reason;
    std::optional<ShipmentId> shipment;
    Digest tracking = 0;
    Digest destination = 0;  // table only: from the ledger of payments
    bool storage_booked = false;
    std::optional<Money> total;  // ledger only
};
struct Aggregates {
    std::optional<OrderRow> order;
    std::optional<ReservationRow> reservation;
    std::optional<PaymentRow> payment;
    std::optional<ShipmentRow> shipment;
};

// The gateway's charges and refunds under the key of one order. The sums are in `currency`, minor
// units.
struct GatewayFacts {
    std::uint16_t captures = 0;
    std::uint16_t refunds = 0;
    std::int64_t captured = 0;
    std::int64_t refunded = 0;
    Currency currency;
    bool mixed_currencies = false;
    bool odd_currency = false;  // a charge or refund has an unknown currency
};

// The pieces of a product, which is given by its index.
struct ItemFact {
    std::uint32_t product = 0;
    std::uint32_t quantity = 0;
};

struct OrderFacts {
    OrderId id;
    Aggregates ledger;
    Aggregates table;
    GatewayFacts gateway;
    std::uint32_t first_item = 0;  // in Facts::items: from StockReserved, else OrderPlaced
    std::uint16_t items = 0;
    std::uint8_t parked = 0;  // bits of services that have put aside an event of the order
    bool late = false;        // unknown when reading began, known now: placed meanwhile
};

inline constexpr std::uint32_t kNone = 0xffff'ffff;

// A row of a service's outbox, and the position of its first record.
struct LedgerEvent {
    EventId id;
    std::int64_t seq = 0;
    std::int64_t offset = -1;       // -1: no record
    Digest content = 0;             // of key, type and data: its records must agree
    std::uint32_t order = kNone;    // index into Facts::orders
    std::uint32_t product = kNone;  // of a StockAdjusted: index into Facts::products
    std::uint32_t recorded_s = 0;   // seconds since 1970
    std::int16_t partition = -1;
    std::int16_t home = -1;    // the partition of its key; -1: unknown
    std::uint16_t copies = 0;  // number of its records
    Service service{};
    std::uint8_t topic = 0;  // index into Facts::topics
    // The consumers (bits) whose group has committed an offset after the record: they have handled
    // it or put it aside, in a transaction that had ended when their database was read.
    std::uint8_t arrived = 0;
    std::optional<events::EventKind> kind;  // empty: no event of the saga (an announcement)

    bool is(events::EventKind k) const { return kind == k; }
};

// An event that cannot be correct at that point of its ledger.
struct BadStep {
    std::uint32_t order = kNone;
    Service service{};
    std::int64_t seq = 0;
    std::string what;
};

// A difference between a ledger and a table. `order` and `product` are indices into the facts.
struct Difference {
    Service service{};
    std::uint32_t order = kNone;
    std::uint32_t product = kNone;
    std::string field;
    std::string ledger;
    std::string table;
};

// A record that is in no ledger, or that differs from its row.
struct StrayRecord {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::string ce_id;
    std::string type;
    std::optional<events::EventKind> kind;  // as in the catalog for this topic
    Service producer{};                     // of the topic
    std::uint32_t order = kNone;
    std::uint32_t event = kNone;  // the row with its id, if the record differs from it
};

struct ParkedFact {
    Service service{};
    std::int64_t id = 0;
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::optional<OrderId> order;
    std::string ce_id;
    std::int32_t attempts = 0;
    bool dead = false;
    std::string error;
    Instant parked_at{};
    std::optional<Instant> due_at;       // none: dead; if `behind` is set, of that record
    std::optional<std::int64_t> behind;  // the id of the record that it waits behind
};

struct ProductFacts {
    std::string id;
    bool in_table = false;
    std::int64_t free = 0, reserved = 0, sold = 0;  // the table's counters
    Money price;
    Digest name = 0;
    // From the ledger: the last StockAdjusted, the sum of the changes, reserved minus released.
    bool in_ledger = false;
    Money ledger_price;
    Digest ledger_name = 0;
    Wide adjusted = 0;
    Wide created = 0;  // the first of these changes: the stock at the creation
    Wide held = 0;
    Wide asked = 0;  // the sum of the requested adjustments
    // From the rows in reservations.
    Wide reserved_rows = 0;
    Wide sold_rows = 0;
};

struct GatewayTotals {
    std::int64_t lines = 0;
};

// A partition at the time when reading began.
struct PartitionFacts {
    std::int64_t low = 0;        // above 0: earlier records were deleted
    std::uint32_t oldest_s = 0;  // when the first remaining one was sent
};

struct TopicFacts {
    std::string name;
    std::string log;                         // its present id; empty: it does not exist
    std::vector<PartitionFacts> partitions;  // of the catalog's topics
    std::int64_t retention_s = 0;            // older records may be missing; 0: no limit
    bool limited_by_size = false;  // then records before a partition's first may be missing, too
    std::int64_t records = 0;
    std::int64_t foreign = 0;  // records that no consumer can read as an event
};

// The checkpoint of a topic's announcements, and the log that it belongs to.
struct Announced {
    std::int64_t checkpoint = 0;
    std::string log;
};

// A consumer group whose committed offset is outside the partition's log: records may be skipped.
struct StrayGroup {
    std::string group;
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t committed = 0;
    std::int64_t end = 0;
    bool of_another_log = false;  // the topic was recreated since
};

struct Facts {
    std::vector<OrderFacts> orders;
    boost::unordered_flat_map<OrderId, std::uint32_t, std::hash<OrderId>> order_index;
    std::vector<ItemFact> items;
    std::vector<LedgerEvent> events;  // service by service, in seq order
    boost::unordered_flat_map<EventId, std::uint32_t, std::hash<EventId>> event_index;
    std::vector<std::uint32_t> doubled_ids;  // events whose id an earlier row already has
    std::vector<ProductFacts> products;
    boost::unordered_flat_map<std::string, std::uint32_t> product_index;
    std::vector<TopicFacts> topics;
    std::vector<BadStep> bad_steps;
    // Unknown values in tables, for example of a state. The ledger's values take their place, so
    // that the rest can be judged.
    std::vector<Difference> odd_values;
    std::vector<StrayRecord> strays;
    std::int64_t more_strays = 0;  // number of those that were not kept
    std::vector<ParkedFact> parked;
    std::array<std::int64_t, 5> checkpoints{};                  // of the relays, by service
    std::array<std::map<std::string, Announced>, 5> announced;  // of announcements, by topic
    std::int32_t fewest_partitions = events::kPartitions;       // that a topic of the saga has had
    std::int64_t storage_used = 0;
    std::uint32_t read_s = 0;  // when reading began, in seconds since 1970
    GatewayTotals gateway;
    std::map<std::string, GatewayFacts> foreign_charges;  // by key: charges that belong to no order
    std::vector<std::string> silent_groups;  // consumer groups that have never committed
    std::vector<StrayGroup> stray_groups;
    bool topics_read = false;
    bool gateway_read = false;
    std::string gateway_error;  // why not, if reading was tried

    std::uint32_t order(const OrderId& id);      // returns its index; creates the entry
    std::uint32_t product(std::string_view id);  // the same
    std::uint8_t topic(std::string_view name);   // the same
    // Counts the entries that are real orders or products: a record can name any order, and an
    // order any product.
    std::int64_t count_orders() const;
    std::int64_t count_products() const;
    // Adds a ledger row. If its id exists already, returns false and adds the row to doubled_ids.
    bool add(const LedgerEvent& event);
    // Call it once everything is read: marks the orders that have a parked event. Records that are
    // in no ledger, such as garbage under an order's key, do not keep an order from its end, and
    // neither does analytics.
    void mark_parked();
};

// Whether the order service has it, or got it while the facts were read.
bool is_order(const OrderFacts& order);
// Whether inventory has it in its table or its ledger.
bool is_product(const ProductFacts& product);

// Returns the service whose events the topic contains; nothing for any other topic.
std::optional<Service> producer_of_topic(std::string_view topic);

// Returns the kind of a type on the producer's topic, from the catalog.
std::optional<events::EventKind> kind_of_type(Service producer, std::string_view ce_type);

// Returns the services, except analytics, that consume the event.
std::uint8_t consumers_of(Service producer, events::EventKind kind);

inline constexpr std::array<Service, 5> kServices{
    Service::order, Service::inventory, Service::payment, Service::shipping, Service::analytics};
// "orders" for the order service: the name of its schema and its database.
std::string_view schema_of(Service service);
// "order": the name on the command line and in reports.
std::string_view short_name(Service service);

}  // namespace orderflow::orderctl
