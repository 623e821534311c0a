#pragma once
// What `orderctl check` and `orderctl rebuild` know of a stack: the five databases, the topics and
// the gateway's ledger, in so few bytes per order (about 1,000, its events included) that a million
// fit. The readers (facts_*.cpp) fill it, the pure checker (check.hpp, fold.hpp) judges it. One
// thread.
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

// States as the audit views name them, written down here once more: a checker that took the
// services' own types would share their mistakes.
BOOST_DEFINE_ENUM_CLASS(OrderState, PROCESSING, COMPLETED, CANCELLING, CANCELLED)
BOOST_DEFINE_ENUM_CLASS(ReservationState, RESERVED, REJECTED, RELEASED, CANCELLED, SOLD)
BOOST_DEFINE_ENUM_CLASS(PaymentState, INTENT, UNKNOWN, CAPTURED, DECLINED, CANCELLING, REFUNDED,
                        NEVER_CHARGED, SETTLED)
BOOST_DEFINE_ENUM_CLASS(ShipmentState, SCHEDULED, REFUSED, VOIDED, CANCELLED)
BOOST_DEFINE_ENUM_CLASS(Settlement, REFUNDED, NEVER_CHARGED)

// Sums of money and of pieces over all orders do not fit 64 bits.
__extension__ typedef __int128 Wide;
std::string to_text(Wide value);

// Stands for a text that is only compared; 0 for none.
using Digest = std::uint64_t;
Digest digest(std::string_view text);

// The rows of one order: once as its services' ledgers say, once as their tables say. Only what
// both can say is compared.
struct OrderRow {
    OrderState state = OrderState::PROCESSING;
    std::optional<events::Reason> reason;
    std::int16_t answers = 0;  // bits: inventory 1, payment 2, shipping 4
    std::int16_t undone = 0;   // bits: StockReleased 1, PaymentRefunded 2, ShipmentVoided 4
    bool reserved = false;     // StockReserved was seen
    bool captured = false;     // PaymentCaptured was seen
    bool cancelling = false;   // CANCELLING has its time
    bool finished = false;     // and so has the end
    std::optional<ShipmentId> shipment;
    Digest customer = 0;
    Digest body = 0;  // the order block
    Money total;
};
struct ReservationRow {
    ReservationState state = ReservationState::RESERVED;
    std::optional<events::StockRejection> reason;
    bool reserved = false;  // it held pieces once
    Digest items = 0;       // what was reserved, in the table's form
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
    std::optional<Settlement> settled_as;  // what an operator said, and who; in an event of the
    Digest settled_by = 0;                 // ledger's, in a column of the table's
    Digest destination = 0;                // of that order block; ledger only
};
struct ShipmentRow {
    ShipmentState state = ShipmentState::SCHEDULED;
    std::optional<events::ShipmentRejection> reason;
    std::optional<ShipmentId> shipment;
    Digest tracking = 0;
    Digest destination = 0;  // table only: the ledger of payments says it
    bool storage_booked = false;
    std::optional<Money> total;  // ledger only
};
struct Aggregates {
    std::optional<OrderRow> order;
    std::optional<ReservationRow> reservation;
    std::optional<PaymentRow> payment;
    std::optional<ShipmentRow> shipment;
};

// What the gateway did under the key of one order. The sums are in `currency`, minor units.
struct GatewayFacts {
    std::uint16_t captures = 0;
    std::uint16_t refunds = 0;
    std::int64_t captured = 0;
    std::int64_t refunded = 0;
    Currency currency;
    bool mixed_currencies = false;
    bool odd_currency = false;  // of a charge or refund: none that there is
};

// Pieces of a product, by its index.
struct ItemFact {
    std::uint32_t product = 0;
    std::uint32_t quantity = 0;
};

struct OrderFacts {
    OrderId id;
    Aggregates ledger;
    Aggregates table;
    GatewayFacts gateway;
    std::uint32_t first_item = 0;  // of Facts::items: what StockReserved names, else OrderPlaced
    std::uint16_t items = 0;
    std::uint8_t parked = 0;  // bits of services that hold an event of the order aside
    bool late = false;        // unknown when reading began, known now: it was placed meanwhile
};

inline constexpr std::uint32_t kNone = 0xffff'ffff;

// A row of a service's outbox, and where its record stands first.
struct LedgerEvent {
    EventId id;
    std::int64_t seq = 0;
    std::int64_t offset = -1;       // -1: no record
    Digest content = 0;             // key, type and data: what each of its records must have
    std::uint32_t order = kNone;    // index into Facts::orders
    std::uint32_t product = kNone;  // of a StockAdjusted: index into Facts::products
    std::uint32_t recorded_s = 0;   // seconds since 1970
    std::int16_t partition = -1;
    std::int16_t home = -1;    // the partition of its key; -1: unknown
    std::uint16_t copies = 0;  // its records
    Service service{};
    std::uint8_t topic = 0;  // index into Facts::topics
    // The consumers (bits) whose group has committed an offset behind the record: they have handled
    // it or put it aside, in a transaction that was over when their database was read.
    std::uint8_t arrived = 0;
    std::optional<events::EventKind> kind;  // empty: no event of the saga (announcements)

    bool is(events::EventKind k) const { return kind == k; }
};

// An event that its ledger cannot have written at that point.
struct BadStep {
    std::uint32_t order = kNone;
    Service service{};
    std::int64_t seq = 0;
    std::string what;
};

// A ledger and a table that do not say the same. `order` and `product` are indices into the facts.
struct Difference {
    Service service{};
    std::uint32_t order = kNone;
    std::uint32_t product = kNone;
    std::string field;
    std::string ledger;
    std::string table;
};

// A record that no ledger has, or that differs from its row.
struct StrayRecord {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::string ce_id;
    std::string type;
    std::optional<events::EventKind> kind;  // as the catalog knows it on this topic
    Service producer{};                     // of the topic
    std::uint32_t order = kNone;
    std::uint32_t event = kNone;  // the row with its id, from which it differs
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
    std::optional<Instant> due_at;       // none: dead; of the record that it waits behind
    std::optional<std::int64_t> behind;  // that record's id
};

struct ProductFacts {
    std::string id;
    bool in_table = false;
    std::int64_t free = 0, reserved = 0, sold = 0;  // the table's counters
    Money price;
    Digest name = 0;
    // The ledger's: the last StockAdjusted, the sum of the changes, reserved minus released.
    bool in_ledger = false;
    Money ledger_price;
    Digest ledger_name = 0;
    Wide adjusted = 0;
    Wide created = 0;  // of that, the first change: the stock that the product was created with
    Wide held = 0;
    Wide asked = 0;  // the sum of the adjustments that were made on request
    // Of the rows in reservations.
    Wide reserved_rows = 0;
    Wide sold_rows = 0;
};

struct GatewayTotals {
    std::int64_t lines = 0;
};

// A partition as it was when reading began.
struct PartitionFacts {
    std::int64_t low = 0;        // above 0: earlier records were taken away
    std::uint32_t oldest_s = 0;  // when the first one left was sent
};

struct TopicFacts {
    std::string name;
    std::string log;                         // its id as it is now; empty: it is not there
    std::vector<PartitionFacts> partitions;  // of the topics that the catalog names
    std::int64_t retention_s = 0;            // records older than that may be missing; 0: none
    bool limited_by_size = false;            // and so may those before a partition's first one
    std::int64_t records = 0;
    std::int64_t foreign = 0;  // records that no consumer could take for an event
};

// How far a topic's announcements are, and in which log.
struct Announced {
    std::int64_t checkpoint = 0;
    std::string log;
};

// A consumer group whose committed offset is none of the partition's log: records may be skipped.
struct StrayGroup {
    std::string group;
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t committed = 0;
    std::int64_t end = 0;
    bool of_another_log = false;  // the topic was made anew since
};

struct Facts {
    std::vector<OrderFacts> orders;
    boost::unordered_flat_map<OrderId, std::uint32_t, std::hash<OrderId>> order_index;
    std::vector<ItemFact> items;
    std::vector<LedgerEvent> events;  // service by service, in seq order
    boost::unordered_flat_map<EventId, std::uint32_t, std::hash<EventId>> event_index;
    std::vector<std::uint32_t> doubled_ids;  // events whose id an earlier row has already
    std::vector<ProductFacts> products;
    boost::unordered_flat_map<std::string, std::uint32_t> product_index;
    std::vector<TopicFacts> topics;
    std::vector<BadStep> bad_steps;
    // Values of tables that nobody knows, such as a state. The ledger's stand in for them, so that
    // the rest can be judged.
    std::vector<Difference> odd_values;
    std::vector<StrayRecord> strays;
    std::int64_t more_strays = 0;  // beyond the ones kept
    std::vector<ParkedFact> parked;
    std::array<std::int64_t, 5> checkpoints{};                  // by service: the relays'
    std::array<std::map<std::string, Announced>, 5> announced;  // the same, by topic
    std::int32_t fewest_partitions = events::kPartitions;       // that a topic of the saga has had
    std::int64_t storage_used = 0;
    std::uint32_t read_s = 0;  // when reading began, seconds since 1970
    GatewayTotals gateway;
    std::map<std::string, GatewayFacts> foreign_charges;  // by key: those that are no order's
    std::vector<std::string> silent_groups;  // consumer groups that never committed anything
    std::vector<StrayGroup> stray_groups;
    bool topics_read = false;
    bool gateway_read = false;
    std::string gateway_error;  // why not, if it was asked

    std::uint32_t order(const OrderId& id);      // its index; makes the entry
    std::uint32_t product(std::string_view id);  // the same
    std::uint8_t topic(std::string_view name);   // the same
    // Of the entries those that are somebody's: a record can name any order, an order any product.
    std::int64_t count_orders() const;
    std::int64_t count_products() const;
    // Adds a ledger row; false and noted if the id stands there already.
    bool add(const LedgerEvent& event);
    // Once all is read: which orders have an event parked. Records that no ledger has, such as
    // garbage under an order's key, keep no order from its end, and neither does analytics.
    void mark_parked();
};

// The order service has it, or got it while the facts were read.
bool is_order(const OrderFacts& order);
// Inventory has it, or its ledger has.
bool is_product(const ProductFacts& product);

// The service whose events the topic carries; empty for any other topic.
std::optional<Service> producer_of_topic(std::string_view topic);

// The kind of a type on the producer's topic, by the catalog.
std::optional<events::EventKind> kind_of_type(Service producer, std::string_view ce_type);

// The services besides analytics that consume the event.
std::uint8_t consumers_of(Service producer, events::EventKind kind);

inline constexpr std::array<Service, 5> kServices{
    Service::order, Service::inventory, Service::payment, Service::shipping, Service::analytics};
// "orders" of the order service: its schema and its database.
std::string_view schema_of(Service service);
// "order": how the command line and the reports call it.
std::string_view short_name(Service service);

}  // namespace orderflow::orderctl
