#pragma once
// Inventory's rules: what is allowed, what follows. Pure; used by the inventory handler, the
// commands and the simulator.
//
//   (none)   → RESERVED | REJECTED    OrderPlaced: catalogue and free pieces decide
//   (none)   → CANCELLED              the cancellation came first: a tombstone
//   RESERVED → SOLD                   the order is completed
//   RESERVED → RELEASED               the order is cancelled, the pieces are free again
//   REJECTED → CANCELLED              the cancellation is answered, there was nothing to undo
//
// A product's counters are set once, when it is created; then they move by orders and adjustments.
// A batch's products are part of the input: `Stock` holds them, locked in the database, and is
// folded in memory from one decision to the next.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/money.hpp"
#include "core/time.hpp"
#include "events/events.hpp"
#include "events/limits.hpp"

namespace orderflow::inventory {

BOOST_DEFINE_ENUM_CLASS(State, RESERVED, REJECTED, RELEASED, CANCELLED, SOLD)

// Pieces of one product.
struct Item {
    std::string product_id;
    std::int64_t quantity = 0;
    bool operator==(const Item&) const = default;
};
BOOST_DESCRIBE_STRUCT(Item, (), (product_id, quantity))

// The state of one order in inventory.
struct Reservation {
    State state = State::RESERVED;
    std::optional<events::StockRejection> reason;  // of a refusal
    std::optional<Instant> reserved_at;
    Instant updated_at{};     // when the state was reached
    std::vector<Item> items;  // the reserved pieces, one item per product; empty if nothing was

    bool operator==(const Reservation&) const = default;
};

// One product. Counters are pieces and never negative.
struct Product {
    std::string name;
    Money price;                // each
    std::int64_t free = 0;      // can be ordered
    std::int64_t reserved = 0;  // of orders that are not final
    std::int64_t sold = 0;      // of completed orders
    std::int64_t revision = 1;  // of name and price

    bool operator==(const Product&) const = default;
};

// A change of one product's counters.
struct Move {
    std::string product_id;
    std::int64_t free = 0;
    std::int64_t reserved = 0;
    std::int64_t sold = 0;
    bool operator==(const Move&) const = default;
};

// The products that a batch touches, with the changes made so far.
class Stock {
public:
    // The store calls this for each row that it has found.
    void loaded(std::string id, Product product);

    // The present state of the product, nullptr for an unknown one. Valid until the next change.
    const Product* find(std::string_view id) const;

    void put(const std::string& id, Product product);

    // Throws std::logic_error for an unknown product.
    void apply(const Move& move);

    // Rows to insert and rows to update, in byte order of the ids. Views into this object. Throws
    // std::logic_error for a counter below zero. apply() does not check this, because the
    // reservations that led to the counter may be out of date. Saving the reservations detects
    // that, and they are saved before the stock.
    struct Row {
        std::string_view id;
        const Product* product;
    };
    struct Changes {
        std::vector<Row> inserts;
        std::vector<Row> updates;
    };
    Changes changes() const;

private:
    struct Entry {
        Product product;
        bool stored = false;
        bool changed = false;
    };
    std::map<std::string, Entry, std::less<>> entries_;
};

struct Decision {
    std::optional<Reservation> next;  // empty: nothing changes
    std::vector<Move> moves;          // to be applied to the stock
    std::vector<events::Event> events;
    // The event belongs to an order that is unknown here and cannot be served any more.
    bool orphan = false;
};

// Every (state, event) pair has an answer; `reservation` is nullptr for an unknown order. An event
// that was already handled changes nothing and emits nothing. `stock` must hold every known product
// of an OrderPlaced without a reservation and of a reservation that is RESERVED.
Decision decide(const Reservation* reservation, const events::Event& event, const Stock& stock,
                Instant now);

// The catalogue entry that a client requests for a product.
struct Offer {
    std::string name;
    Money price;
    // Free pieces, only for a new product. Once the product can be ordered, orders change its
    // counters, and a request that sets them could not be sent twice.
    std::optional<std::int64_t> stock;
    bool operator==(const Offer&) const = default;
};

// The entity tag of a product's offer. It differs from the tag of every other offer, also of an
// earlier offer with the same content. Otherwise a change that is sent again would undo later
// changes. Sales do not change the tag.
std::string offer_tag(const Product& product);

// What a client requires of the stored product, by the tags of its offer (RFC 9110 section 13.1).
struct Tags {
    bool any = false;  // any stored product, whatever its offer
    std::vector<std::string> tags;
};
bool holds(const Tags& tags, const Product& product);

struct Conditions {
    std::optional<Tags> match;       // the offer has one of these tags
    std::optional<Tags> none_match;  // it has none of them, or there is no such product
};

// Additions stop at this number of free pieces; released pieces may exceed it.
inline constexpr std::int64_t kMaxFree = events::kMaxAdjustment;

// The outcome of a request to change a product. The names of the last three are stored.
BOOST_DEFINE_ENUM_CLASS(Verdict, CREATED, CHANGED, UNKNOWN_PRODUCT, CONDITION_MISSING,
                        CONDITION_FAILED, STOCK_MISSING, STOCK_GIVEN, ADJUSTED, TOO_FEW, TOO_MANY)

struct CatalogueDecision {
    Verdict verdict{};
    std::optional<Product> next;  // empty: nothing changes
    std::optional<events::Event> event;
};

// Creates the product, or changes name and price of a known product if the client has named the
// offer that it intends to change. `known` is nullptr for a new product.
CatalogueDecision put_product(const std::string& id, const Product* known, const Offer& offer,
                              const Conditions& conditions);

// Adds `change` free pieces, which may be negative but not zero. Not repeatable by itself.
CatalogueDecision adjust_stock(const std::string& id, const Product* known, std::int64_t change);

}  // namespace orderflow::inventory
