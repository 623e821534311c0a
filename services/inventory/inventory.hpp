#pragma once
// Inventory's rules: what is allowed, what follows. Pure; used by inventory_service and the
// simulator.
//
//   (none)   → RESERVED | REJECTED    OrderPlaced: catalogue and free pieces decide
//   (none)   → CANCELLED              the cancellation came first: a tombstone
//   RESERVED → SOLD                   the order is completed
//   RESERVED → RELEASED               the order is cancelled, the pieces are free again
//   REJECTED → CANCELLED              the cancellation is answered, there was nothing to undo
//
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

namespace orderflow::inventory {

BOOST_DEFINE_ENUM_CLASS(State, RESERVED, REJECTED, RELEASED, CANCELLED, SOLD)

// Pieces of one product.
struct Item {
    std::string product_id;
    std::int64_t quantity = 0;
    bool operator==(const Item&) const = default;
};
BOOST_DESCRIBE_STRUCT(Item, (), (product_id, quantity))

// What inventory knows of one order.
struct Reservation {
    State state = State::RESERVED;
    std::optional<events::StockRejection> reason;  // of a refusal
    std::optional<Instant> reserved_at;
    Instant updated_at{};     // when the state was reached
    std::vector<Item> items;  // what was reserved, one per product; empty if nothing was

    bool operator==(const Reservation&) const = default;
};

// One product. Counters are pieces and never negative.
struct Product {
    std::string name;
    Money price;                // each
    std::int64_t free = 0;      // can be ordered
    std::int64_t reserved = 0;  // of orders that are not final
    std::int64_t sold = 0;      // of completed orders

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

// The products that a batch touches, with what became of them so far.
class Stock {
public:
    // Called by the store for each row it found.
    void loaded(std::string id, Product product);

    // The product as it stands now, nullptr for an unknown one. Valid until the next change.
    const Product* find(std::string_view id) const;

    void put(const std::string& id, Product product);

    // Throws std::logic_error for an unknown product.
    void apply(const Move& move);

    // Rows to insert and rows to update, in byte order of the ids. Views into this object. Throws
    // std::logic_error for a counter below zero; only here, because the reservations that led there
    // may be out of date, which shows when they are saved: before the stock is.
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
    // The event speaks of an order that nobody here knows and that cannot be served any more.
    bool orphan = false;
};

// Every (state, event) pair has an answer; `reservation` is nullptr for an unknown order. An event
// that was already handled changes nothing and emits nothing. `stock` must hold every known product
// of an OrderPlaced without a reservation and of a reservation that is RESERVED.
Decision decide(const Reservation* reservation, const events::Event& event, const Stock& stock,
                Instant now);

// What the catalogue shall say of a product; `stock` is the number of free pieces.
struct Offer {
    std::string name;
    Money price;
    std::int64_t stock = 0;
    bool operator==(const Offer&) const = default;
};

struct CatalogueDecision {
    std::optional<Product> next;  // empty: it says so already
    std::vector<events::Event> events;
};

// `known` is nullptr for a new product. Reserved and sold pieces stay as they are. The changes of
// the emitted events add up to the change of the free pieces.
CatalogueDecision set_product(const std::string& id, const Product* known, const Offer& offer);

}  // namespace orderflow::inventory
