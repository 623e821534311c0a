#pragma once
// The C++ mirror of proto-events/: one plain struct per event version, described with
// Boost.Describe, so that one generic codec (json/json.hpp) reads and writes all of them. Member
// names are the JSON names in snake_case; enumerators are the strings in the JSON. The contract
// tests compare this file with the schemas and the examples. Used by every service; pure values,
// any thread.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/ids.hpp"
#include "core/money.hpp"
#include "core/time.hpp"

namespace orderflow::events {

// Why an order is cancelled. The first three reasons are inventory's, the next two payment's and
// the next two shipping's; the last two are the customer's and the deadline's.
BOOST_DEFINE_ENUM_CLASS(Reason, OUT_OF_STOCK, UNKNOWN_PRODUCT, PRICE_MISMATCH, CARD_DECLINED,
                        CARD_TOKEN_UNKNOWN, CARRIER_REFUSED, STORAGE_FULL, CUSTOMER, DEADLINE)
BOOST_DEFINE_ENUM_CLASS(StockRejection, OUT_OF_STOCK, UNKNOWN_PRODUCT, PRICE_MISMATCH)
BOOST_DEFINE_ENUM_CLASS(PaymentRejection, CARD_DECLINED, CARD_TOKEN_UNKNOWN)
BOOST_DEFINE_ENUM_CLASS(ShipmentRejection, CARRIER_REFUSED, STORAGE_FULL)

// The three services that answer a cancellation. The order stores their answers as bits.
BOOST_DEFINE_ENUM_CLASS(Participant, inventory, payment, shipping)

// What a cancellation undid.
BOOST_DEFINE_ENUM_CLASS(Compensation, StockReleased, PaymentRefunded, ShipmentVoided)

BOOST_DEFINE_ENUM_CLASS(PaymentMethod, card)

struct OrderLine {
    std::string product_id;
    std::string name;
    std::int64_t price = 0;     // minor units, each
    std::int64_t quantity = 0;  // pieces
    bool operator==(const OrderLine&) const = default;
};
BOOST_DESCRIBE_STRUCT(OrderLine, (), (product_id, name, price, quantity))

struct PaymentChoice {
    PaymentMethod method = PaymentMethod::card;
    std::string token;
    bool operator==(const PaymentChoice&) const = default;
};
BOOST_DESCRIBE_STRUCT(PaymentChoice, (), (method, token))

struct Address {
    std::string line1;
    std::string city;
    std::string postal_code;
    std::string country;  // ISO 3166-1 alpha-2
    bool operator==(const Address&) const = default;
};
BOOST_DESCRIBE_STRUCT(Address, (), (line1, city, postal_code, country))

struct Destination {
    std::string recipient;
    Address address;
    bool operator==(const Destination&) const = default;
};
BOOST_DESCRIBE_STRUCT(Destination, (), (recipient, address))

// The order as placed. The forward events carry it whole, so that no participant has to join topics
// or request data from another service.
struct Order {
    std::string customer_id;
    Currency currency;
    std::int64_t total = 0;  // minor units
    std::vector<OrderLine> items;
    PaymentChoice payment;
    std::optional<Destination> shipment;
    bool warehouse_storage = false;
    Instant placed_at{};
    bool operator==(const Order&) const = default;
};
BOOST_DESCRIBE_STRUCT(Order, (),
                      (customer_id, currency, total, items, payment, shipment, warehouse_storage,
                       placed_at))

struct OrderPlaced {
    OrderId order_id;
    Order order;
    bool operator==(const OrderPlaced&) const = default;
};
BOOST_DESCRIBE_STRUCT(OrderPlaced, (), (order_id, order))

// The trigger of every cancellation. Every participant answers it once.
struct CancellationStarted {
    OrderId order_id;
    Reason reason = Reason::CUSTOMER;
    bool operator==(const CancellationStarted&) const = default;
};
BOOST_DESCRIBE_STRUCT(CancellationStarted, (), (order_id, reason))

struct OrderCompleted {
    OrderId order_id;
    std::string customer_id;
    ShipmentId shipment_id;
    std::int64_t total = 0;  // minor units
    Currency currency;
    bool operator==(const OrderCompleted&) const = default;
};
BOOST_DESCRIBE_STRUCT(OrderCompleted, (), (order_id, customer_id, shipment_id, total, currency))

struct OrderCancelled {
    OrderId order_id;
    std::string customer_id;
    Reason reason = Reason::CUSTOMER;
    std::int64_t total = 0;  // minor units
    Currency currency;
    std::vector<Compensation> undone;  // each at most once
    bool operator==(const OrderCancelled&) const = default;
};
BOOST_DESCRIBE_STRUCT(OrderCancelled, (), (order_id, customer_id, reason, total, currency, undone))

struct StockReserved {
    OrderId order_id;
    Order order;
    bool operator==(const StockReserved&) const = default;
};
BOOST_DESCRIBE_STRUCT(StockReserved, (), (order_id, order))

struct StockRejected {
    OrderId order_id;
    StockRejection reason = StockRejection::OUT_OF_STOCK;
    std::string product_id;
    bool operator==(const StockRejected&) const = default;
};
BOOST_DESCRIBE_STRUCT(StockRejected, (), (order_id, reason, product_id))

struct StockReleased {
    OrderId order_id;
    bool operator==(const StockReleased&) const = default;
};
BOOST_DESCRIBE_STRUCT(StockReleased, (), (order_id))

// A product was created or changed by hand, not by an order. The event has the product's name and
// price; `change` is the number of free pieces that were added, negative for removed ones.
struct StockAdjusted {
    std::string product_id;
    std::string name;
    std::int64_t price = 0;  // minor units
    Currency currency;
    std::int64_t change = 0;
    bool operator==(const StockAdjusted&) const = default;
};
BOOST_DESCRIBE_STRUCT(StockAdjusted, (), (product_id, name, price, currency, change))

struct PaymentCaptured {
    OrderId order_id;
    std::string charge_id;    // the gateway's id of the charge
    std::int64_t amount = 0;  // minor units
    Currency currency;
    Order order;
    bool operator==(const PaymentCaptured&) const = default;
};
BOOST_DESCRIBE_STRUCT(PaymentCaptured, (), (order_id, charge_id, amount, currency, order))

struct PaymentDeclined {
    OrderId order_id;
    PaymentRejection reason = PaymentRejection::CARD_DECLINED;
    bool operator==(const PaymentDeclined&) const = default;
};
BOOST_DESCRIBE_STRUCT(PaymentDeclined, (), (order_id, reason))

struct PaymentRefunded {
    OrderId order_id;
    std::int64_t amount = 0;  // minor units
    Currency currency;
    std::optional<std::string> settled_by;  // an operator, if the gateway never answered
    bool operator==(const PaymentRefunded&) const = default;
};
BOOST_DESCRIBE_STRUCT(PaymentRefunded, (), (order_id, amount, currency, settled_by))

// A participant's answer to a cancellation if it had done nothing that must be undone.
struct NothingToCompensate {
    OrderId order_id;
    Participant participant = Participant::inventory;
    std::optional<std::string> settled_by;  // payment only
    bool operator==(const NothingToCompensate&) const = default;
};
BOOST_DESCRIBE_STRUCT(NothingToCompensate, (), (order_id, participant, settled_by))

struct ShipmentScheduled {
    OrderId order_id;
    ShipmentId shipment_id;
    std::string tracking_number;
    std::int64_t total = 0;  // minor units
    Currency currency;
    bool storage_booked = false;
    bool operator==(const ShipmentScheduled&) const = default;
};
BOOST_DESCRIBE_STRUCT(ShipmentScheduled, (),
                      (order_id, shipment_id, tracking_number, total, currency, storage_booked))

struct ShipmentRefused {
    OrderId order_id;
    ShipmentRejection reason = ShipmentRejection::CARRIER_REFUSED;
    bool operator==(const ShipmentRefused&) const = default;
};
BOOST_DESCRIBE_STRUCT(ShipmentRefused, (), (order_id, reason))

struct ShipmentVoided {
    OrderId order_id;
    ShipmentId shipment_id;
    bool operator==(const ShipmentVoided&) const = default;
};
BOOST_DESCRIBE_STRUCT(ShipmentVoided, (), (order_id, shipment_id))

}  // namespace orderflow::events

// A file that includes the structs must also see the variant of them all, and their bounds.
#include "events/event_kinds.hpp"  // generated from proto-events/catalog.json
#include "events/limits.hpp"
