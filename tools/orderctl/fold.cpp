#include "orderctl/fold.hpp"

#include <algorithm>

#include "core/enums.hpp"
#include "events/codec.hpp"
#include "json/json.hpp"
#include "kafka/topic_layout.hpp"
#include "orderctl/records.hpp"

namespace orderflow::orderctl {

// One piece of a reservation, in the form of inventory's table. Outside the anonymous namespace,
// for Describe.
struct Piece {
    std::string product_id;
    std::int64_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(Piece, (), (product_id, quantity))

namespace {

using events::EventKind;

// Returns the pieces per product, in byte order of the ids.
std::vector<Piece> pieces_of(const events::Order& order) {
    std::vector<Piece> pieces;
    for (const auto& line : order.items) pieces.push_back({line.product_id, line.quantity});
    std::ranges::stable_sort(pieces, {}, &Piece::product_id);
    std::size_t last = 0;
    for (std::size_t i = 1; i < pieces.size(); ++i) {
        if (pieces[i].product_id == pieces[last].product_id) {
            pieces[last].quantity += pieces[i].quantity;
        } else {
            pieces[++last] = pieces[i];
        }
    }
    if (!pieces.empty()) pieces.resize(last + 1);
    return pieces;
}

Digest body_of(const events::Order& order) {
    std::string json;
    events::encode(order, json);
    return digest(json);
}

Digest destination_of(const events::Order& order) {
    return order.shipment ? digest(json::to_json(*order.shipment)) : 0;
}

// Applies one event of an order to the rows that are folded from the ledgers. Returns why the event
// cannot come at this point; empty if it can.
struct FoldOrder {
    Facts& facts;
    OrderFacts& order;

    using Why = std::string;
    static Why in_state(std::string_view state) { return "comes in state " + std::string(state); }

    Why operator()(const events::OrderPlaced& e) const {
        auto& row = order.ledger.order;
        if (row) return in_state(name_of(row->state));
        row.emplace();
        row->customer = digest(e.order.customer_id);
        row->total = {e.order.total, e.order.currency};
        row->body = take_order_block(facts, order, e.order);
        return {};
    }
    Why operator()(const events::CancellationStarted& e) const {
        return move_order(OrderState::PROCESSING, OrderState::CANCELLING, [&](OrderRow& row) {
            row.reason = e.reason;
            row.cancelling = true;
            return Why();
        });
    }
    Why operator()(const events::OrderCompleted& e) const {
        return move_order(OrderState::PROCESSING, OrderState::COMPLETED, [&](OrderRow& row) {
            row.shipment = e.shipment_id;
            row.finished = true;
            return another(row, e.customer_id, {e.total, e.currency});
        });
    }
    Why operator()(const events::OrderCancelled& e) const {
        return move_order(OrderState::CANCELLING, OrderState::CANCELLED, [&](OrderRow& row) {
            for (const auto c : e.undone) {
                row.undone = static_cast<std::int16_t>(row.undone | (1 << static_cast<int>(c)));
            }
            row.finished = true;
            if (row.reason != e.reason) return Why("names another reason than CancellationStarted");
            return another(row, e.customer_id, {e.total, e.currency});
        });
    }
    // For an end of the order whose data differ from those of the placed order.
    static Why another(const OrderRow& row, const std::string& customer, const Money& total) {
        if (row.customer != digest(customer)) return "names another customer than OrderPlaced";
        if (row.total != total) return "names another total than OrderPlaced";
        return {};
    }
    template <class Change>
    Why move_order(OrderState from, OrderState to, Change change) const {
        auto& row = order.ledger.order;
        if (!row) return "comes before OrderPlaced";
        if (row->state != from) return in_state(name_of(row->state));
        row->state = to;
        return change(*row);
    }

    Why operator()(const events::StockReserved& e) const {
        auto& row = order.ledger.reservation;
        if (row) return in_state(name_of(row->state));
        const auto pieces = pieces_of(e.order);
        row.emplace();
        row->reserved = true;
        row->items = digest(json::to_json(pieces));
        row->body = take_order_block(facts, order, e.order);
        for (const Piece& piece : pieces) {
            facts.products[facts.product(piece.product_id)].held += piece.quantity;
        }
        return {};
    }
    Why operator()(const events::StockRejected& e) const {
        auto& row = order.ledger.reservation;
        if (row) return in_state(name_of(row->state));
        row.emplace();
        row->state = ReservationState::REJECTED;
        row->reason = e.reason;
        row->items = digest("[]");
        return {};
    }
    Why operator()(const events::StockReleased&) const {
        auto& row = order.ledger.reservation;
        if (!row || row->state != ReservationState::RESERVED) return "comes without StockReserved";
        row->state = ReservationState::RELEASED;
        for (std::uint32_t i = 0; i < order.items; ++i) {
            const ItemFact& item = facts.items[order.first_item + i];
            facts.products[item.product].held -= item.quantity;
        }
        return {};
    }

    Why operator()(const events::PaymentCaptured& e) const {
        auto& row = order.ledger.payment;
        if (row) return in_state(name_of(row->state));
        row.emplace();
        row->state = PaymentState::CAPTURED;
        row->captured = true;
        row->charge = digest(e.charge_id);
        row->amount = Money{e.amount, e.currency};
        row->body = take_order_block(facts, order, e.order);
        row->destination = destination_of(e.order);
        if (*row->amount != Money{e.order.total, e.order.currency}) {
            return "captures another amount than its order's";
        }
        return {};
    }
    Why operator()(const events::PaymentDeclined& e) const {
        auto& row = order.ledger.payment;
        if (row) return in_state(name_of(row->state));
        row.emplace();
        row->state = PaymentState::DECLINED;
        row->reason = e.reason;
        return {};
    }
    Why operator()(const events::PaymentRefunded& e) const {
        auto& row = order.ledger.payment;
        const Money refunded{e.amount, e.currency};
        if (!row) row.emplace();
        const bool answered =
            row->state == PaymentState::REFUNDED || row->state == PaymentState::NEVER_CHARGED;
        if (answered) return in_state(name_of(row->state));
        if (row->amount && *row->amount != refunded) return "refunds another amount than captured";
        row->amount = refunded;
        row->state = PaymentState::REFUNDED;
        settle(*row, Settlement::REFUNDED, e.settled_by);
        return {};
    }

    Why operator()(const events::NothingToCompensate& e) const {
        switch (e.participant) {
            case events::Participant::inventory: return nothing_reserved();
            case events::Participant::payment: return nothing_paid(e.settled_by);
            case events::Participant::shipping: return nothing_shipped();
        }
        return "names no participant";
    }
    Why nothing_reserved() const {
        auto& row = order.ledger.reservation;
        if (!row) {
            row.emplace();
            row->items = digest("[]");
        } else if (row->state != ReservationState::REJECTED) {
            return in_state(name_of(row->state));
        }
        row->state = ReservationState::CANCELLED;
        return {};
    }
    static void settle(PaymentRow& row, Settlement as, const std::optional<std::string>& by) {
        row.settled_by_hand = by.has_value();
        if (!by) return;
        row.settled_as = as;
        row.settled_by = digest(*by);
    }
    Why nothing_paid(const std::optional<std::string>& by) const {
        auto& row = order.ledger.payment;
        if (!row) row.emplace();
        const bool fits = row->state == PaymentState::INTENT ||
                          row->state == PaymentState::DECLINED ||
                          (row->state == PaymentState::CAPTURED && by);
        if (!fits) return in_state(name_of(row->state));
        row->state = PaymentState::NEVER_CHARGED;
        settle(*row, Settlement::NEVER_CHARGED, by);
        return {};
    }
    Why nothing_shipped() const {
        auto& row = order.ledger.shipment;
        if (row && row->state != ShipmentState::REFUSED) return in_state(name_of(row->state));
        if (!row) row.emplace();
        row->state = ShipmentState::CANCELLED;
        return {};
    }

    Why operator()(const events::ShipmentScheduled& e) const {
        auto& row = order.ledger.shipment;
        if (row) return in_state(name_of(row->state));
        row.emplace();
        row->shipment = e.shipment_id;
        row->tracking = digest(e.tracking_number);
        row->total = Money{e.total, e.currency};
        row->storage_booked = e.storage_booked;
        return {};
    }
    Why operator()(const events::ShipmentRefused& e) const {
        auto& row = order.ledger.shipment;
        if (row) return in_state(name_of(row->state));
        row.emplace();
        row->state = ShipmentState::REFUSED;
        row->reason = e.reason;
        return {};
    }
    Why operator()(const events::ShipmentVoided& e) const {
        auto& row = order.ledger.shipment;
        if (!row || row->state != ShipmentState::SCHEDULED) {
            return "comes without ShipmentScheduled";
        }
        if (row->shipment != e.shipment_id) return "names another shipment";
        row->state = ShipmentState::VOIDED;
        row->storage_booked = false;
        return {};
    }
    // Only an event of no order is skipped: a new event of an order does not compile here without
    // an overload.
    template <class E>
        requires(!requires(const E& e) { e.order_id; })
    Why operator()(const E&) const {
        return {};
    }
};

void fold_product(Facts& facts, const events::StockAdjusted& e) {
    ProductFacts& product = facts.products[facts.product(e.product_id)];
    if (!product.in_ledger) product.created = e.change;
    product.in_ledger = true;
    product.adjusted += e.change;
    product.ledger_name = digest(e.name);
    product.ledger_price = {e.price, e.currency};
}

}  // namespace

Digest take_order_block(Facts& facts, OrderFacts& order, const events::Order& block) {
    if (order.items == 0) {
        order.first_item = static_cast<std::uint32_t>(facts.items.size());
        for (const Piece& piece : pieces_of(block)) {
            facts.items.push_back(
                {facts.product(piece.product_id), static_cast<std::uint32_t>(piece.quantity)});
        }
        order.items = static_cast<std::uint16_t>(facts.items.size() - order.first_item);
    }
    return body_of(block);
}

void fold(Facts& facts, Service service, const LedgerLine& line) {
    LedgerEvent event;
    event.id = line.id;
    event.seq = line.seq;
    event.service = service;
    event.topic = facts.topic(line.topic);
    event.content = content_of(line.key.value_or(""), line.type, line.data);
    const auto partitions = static_cast<int>(facts.topics[event.topic].partitions.size());
    if (partitions > 0) {
        const std::string id = line.id.to_string();
        event.home = static_cast<std::int16_t>(
            kafka::partition_of(kafka::placed_by(line.key, id), partitions));
    }
    event.recorded_s = static_cast<std::uint32_t>(
        std::chrono::floor<std::chrono::seconds>(line.recorded_at).time_since_epoch().count());
    if (line.order) event.order = facts.order(*line.order);
    event.kind = kind_of_type(service, line.type);
    // An announcement reports an event of the saga; it is not one itself.
    if (event.kind && line.topic != events::topic_of(service)) event.kind.reset();
    if (event.is(EventKind::StockAdjusted)) event.product = facts.product(line.key.value_or(""));
    facts.add(event);
    if (!event.kind) return;

    const auto bad = [&](std::string what) {
        what = std::string(line.type) + " " + what;
        facts.bad_steps.push_back({event.order, service, line.seq, std::move(what)});
    };
    const auto decoded = events::decode(*event.kind, line.data);
    if (!decoded) return bad("cannot be read: " + decoded.error().detail);
    if (events::key_of(*decoded) != line.key) bad("has another key than the catalog's");
    if (const auto* adjusted = std::get_if<events::StockAdjusted>(&*decoded)) {
        return fold_product(facts, *adjusted);
    }
    const OrderId* id = events::order_of(*decoded);
    if (!id) return;  // does not belong to an order
    if (!line.order || *line.order != *id) return bad("names another order than its row");
    const std::string why = std::visit(FoldOrder{facts, facts.orders[event.order]}, *decoded);
    if (!why.empty()) bad(why);
}

EventsOfOrders::EventsOfOrders(const Facts& facts) : begin_(facts.orders.size() + 1) {
    for (const LedgerEvent& event : facts.events) {
        if (event.order != kNone) ++begin_[event.order + 1];
    }
    for (std::size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
    events_.resize(begin_.back());
    std::vector<std::uint32_t> next(begin_.begin(), begin_.end() - 1);
    for (std::uint32_t i = 0; i < facts.events.size(); ++i) {
        const std::uint32_t order = facts.events[i].order;
        if (order != kNone) events_[next[order]++] = i;
    }
}

}  // namespace orderflow::orderctl
