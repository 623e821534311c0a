#include "inventory/inventory.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/digest.hpp"
#include "events/catalog.hpp"

namespace orderflow::inventory {
namespace {

using events::StockRejection;

// Pieces per product in byte order of the ids; lines of the same product are added up.
std::vector<Item> items_of(const events::Order& order) {
    std::vector<Item> items;
    items.reserve(order.items.size());
    for (const auto& line : order.items) {
        const auto at = std::ranges::lower_bound(items, line.product_id, {}, &Item::product_id);
        if (at != items.end() && at->product_id == line.product_id) {
            at->quantity += line.quantity;
        } else {
            items.insert(at, {line.product_id, line.quantity});
        }
    }
    return items;
}

struct Refusal {
    StockRejection reason;
    const std::string& product_id;
};

// The reason why the order cannot be served. Unknown products come before wrong prices, and these
// before missing pieces, so that the reason does not depend on the order of the lines.
std::optional<Refusal> refusal_of(const events::Order& order, const std::vector<Item>& items,
                                  const Stock& stock) {
    for (const auto& line : order.items) {
        if (!stock.find(line.product_id)) {
            return Refusal{StockRejection::UNKNOWN_PRODUCT, line.product_id};
        }
    }
    for (const auto& line : order.items) {
        if (stock.find(line.product_id)->price != Money{line.price, order.currency}) {
            return Refusal{StockRejection::PRICE_MISMATCH, line.product_id};
        }
    }
    for (const Item& item : items) {
        if (stock.find(item.product_id)->free < item.quantity) {
            return Refusal{StockRejection::OUT_OF_STOCK, item.product_id};
        }
    }
    return std::nullopt;
}

Decision reserve(const events::OrderPlaced& placed, const Stock& stock, Instant now) {
    std::vector<Item> items = items_of(placed.order);
    Decision decision;
    Reservation& next = decision.next.emplace();
    next.updated_at = now;
    if (const auto refusal = refusal_of(placed.order, items, stock)) {
        next.state = State::REJECTED;
        next.reason = refusal->reason;
        decision.events.push_back(
            events::StockRejected{placed.order_id, refusal->reason, refusal->product_id});
        return decision;
    }
    for (const Item& item : items) {
        decision.moves.push_back({item.product_id, -item.quantity, item.quantity, 0});
    }
    next.state = State::RESERVED;
    next.reserved_at = now;
    next.items = std::move(items);
    decision.events.push_back(events::StockReserved{placed.order_id, placed.order});
    return decision;
}

Decision release(const OrderId& id, Reservation reservation, Instant now) {
    Decision decision;
    for (const Item& item : reservation.items) {
        decision.moves.push_back({item.product_id, item.quantity, -item.quantity, 0});
    }
    reservation.state = State::RELEASED;
    reservation.updated_at = now;
    decision.next = std::move(reservation);
    decision.events.push_back(events::StockReleased{id});
    return decision;
}

// For a refused or an unknown order: nothing is reserved, and nothing will be.
Decision nothing_to_release(const OrderId& id, Reservation reservation, Instant now) {
    reservation.state = State::CANCELLED;
    reservation.updated_at = now;
    Decision decision;
    decision.next = std::move(reservation);
    decision.events.push_back(
        events::NothingToCompensate{id, events::Participant::inventory, std::nullopt});
    return decision;
}

Decision sell(Reservation reservation, Instant now) {
    Decision decision;
    for (const Item& item : reservation.items) {
        decision.moves.push_back({item.product_id, 0, -item.quantity, item.quantity});
    }
    reservation.state = State::SOLD;
    reservation.updated_at = now;
    decision.next = std::move(reservation);
    return decision;
}

struct Decide {
    const Reservation* reservation;
    const Stock& stock;
    Instant now;

    Decision operator()(const events::OrderPlaced& e) const {
        return reservation ? Decision{} : reserve(e, stock, now);
    }
    Decision operator()(const events::CancellationStarted& e) const {
        if (!reservation) return nothing_to_release(e.order_id, {}, now);
        switch (reservation->state) {
            case State::RESERVED: return release(e.order_id, *reservation, now);
            case State::REJECTED: return nothing_to_release(e.order_id, *reservation, now);
            case State::RELEASED:
            case State::CANCELLED:        // the cancellation was answered before
            case State::SOLD: return {};  // the order was decided COMPLETED; no trigger follows
        }
        throw std::logic_error("no such state");
    }
    Decision operator()(const events::OrderCompleted&) const {
        if (!reservation) {  // the database was restored to before the order
            Decision decision;
            decision.orphan = true;
            return decision;
        }
        return reservation->state == State::RESERVED ? sell(*reservation, now) : Decision{};
    }
    // Inventory consumes no topic with these events, or they are not for it.
    template <class E>
        requires(!events::consumes<events::Service::inventory, E>)
    Decision operator()(const E&) const {
        return {};
    }
};

}  // namespace

void Stock::loaded(std::string id, Product product) {
    entries_.insert_or_assign(std::move(id), Entry{std::move(product), true, false});
}

const Product* Stock::find(std::string_view id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second.product;
}

void Stock::put(const std::string& id, Product product) {
    Entry& entry = entries_[id];
    entry.product = std::move(product);
    entry.changed = true;
}

void Stock::apply(const Move& move) {
    const auto found = entries_.find(move.product_id);
    if (found == entries_.end()) throw std::logic_error("no such product: " + move.product_id);
    Product& product = found->second.product;
    product.free += move.free;
    product.reserved += move.reserved;
    product.sold += move.sold;
    found->second.changed = true;
}

Stock::Changes Stock::changes() const {
    Changes changes;
    for (const auto& [id, entry] : entries_) {
        if (!entry.changed) continue;
        const Product& product = entry.product;
        if (product.free < 0 || product.reserved < 0 || product.sold < 0) {
            throw std::logic_error("stock below zero: " + id);
        }
        (entry.stored ? changes.updates : changes.inserts).push_back({id, &product});
    }
    return changes;
}

Decision decide(const Reservation* reservation, const events::Event& event, const Stock& stock,
                Instant now) {
    return std::visit(Decide{reservation, stock, now}, event);
}

std::string offer_tag(const Product& product) {
    const auto& [amount, currency] = product.price;
    return digest_of(std::to_string(product.revision) + " " + std::to_string(amount) +
                     std::string(currency.text()) + product.name)
        .to_string();
}

bool holds(const Tags& tags, const Product& product) {
    return tags.any || std::ranges::find(tags.tags, offer_tag(product)) != tags.tags.end();
}

CatalogueDecision put_product(const std::string& id, const Product* known, const Offer& offer,
                              const Conditions& conditions) {
    const auto refuse = [](Verdict verdict) { return CatalogueDecision{verdict, {}, {}}; };
    const auto& [match, none_match] = conditions;
    const bool failed = (match && !(known && holds(*match, *known))) ||
                        (none_match && known && holds(*none_match, *known));
    if (failed) return refuse(Verdict::CONDITION_FAILED);
    if (known && !match) return refuse(Verdict::CONDITION_MISSING);
    if (known && offer.stock) return refuse(Verdict::STOCK_GIVEN);
    if (!known && !offer.stock) return refuse(Verdict::STOCK_MISSING);
    Product next = known ? *known : Product{};
    next.name = offer.name;
    next.price = offer.price;
    next.free += offer.stock.value_or(0);
    const Verdict verdict = known ? Verdict::CHANGED : Verdict::CREATED;
    if (known && next == *known) return refuse(verdict);  // the stored offer is already the same
    if (known) ++next.revision;
    events::StockAdjusted event{id, offer.name, offer.price.amount, offer.price.currency,
                                offer.stock.value_or(0)};
    return {verdict, std::move(next), std::move(event)};
}

CatalogueDecision adjust_stock(const std::string& id, const Product* known, std::int64_t change) {
    if (!known) return {Verdict::UNKNOWN_PRODUCT, {}, {}};
    Product next = *known;
    next.free += change;
    if (next.free < 0) return {Verdict::TOO_FEW, {}, {}};
    if (change > 0 && next.free > kMaxFree) return {Verdict::TOO_MANY, {}, {}};
    events::StockAdjusted event{id, next.name, next.price.amount, next.price.currency, change};
    return {Verdict::ADJUSTED, std::move(next), std::move(event)};
}

}  // namespace orderflow::inventory
