// The invariants that must hold after every commit.
#include "simulation/invariants.hpp"

#include <algorithm>

#include "core/enums.hpp"
#include "kafka/record.hpp"
#include "outbox/parking.hpp"
#include "outbox/relay.hpp"
#include "simulation/threads.hpp"

namespace orderflow::simulation {
namespace {

using events::EventKind;
using events::Service;

// The sequences of events that one service may emit about one order. The service's ledger must
// contain the beginning of one of them. So there is at most one forward outcome and one answer, and
// nothing follows the answer.
const std::vector<std::vector<EventKind>>& legal_ledgers(Service service) {
    using enum EventKind;
    static const std::vector<std::vector<EventKind>> kOrder{
        {OrderPlaced, OrderCompleted}, {OrderPlaced, CancellationStarted, OrderCancelled}};
    static const std::vector<std::vector<EventKind>> kInventory{
        {StockReserved, StockReleased},
        {StockRejected, NothingToCompensate},
        {NothingToCompensate}};
    // The last two of them are legal only if an operator settled the payment; see check_truth().
    static const std::vector<std::vector<EventKind>> kPayment{
        {PaymentCaptured, PaymentRefunded},
        {PaymentDeclined, NothingToCompensate},
        {PaymentRefunded},
        {NothingToCompensate},
        {PaymentCaptured, NothingToCompensate},
        {PaymentDeclined, PaymentRefunded}};
    static const std::vector<std::vector<EventKind>> kShipping{
        {ShipmentScheduled, ShipmentVoided},
        {ShipmentRefused, NothingToCompensate},
        {NothingToCompensate}};
    switch (service) {
        case Service::order: return kOrder;
        case Service::payment: return kPayment;
        case Service::inventory: return kInventory;
        case Service::shipping: return kShipping;
        case Service::analytics: break;
    }
    throw std::logic_error("no ledger");
}

bool begins(const std::vector<EventKind>& history, const std::vector<EventKind>& legal) {
    return history.size() <= legal.size() &&
           std::equal(history.begin(), history.end(), legal.begin());
}

std::optional<events::Participant> answering(const events::Event& event) {
    if (std::get_if<events::StockReleased>(&event)) return events::Participant::inventory;
    if (std::get_if<events::PaymentRefunded>(&event)) return events::Participant::payment;
    if (std::get_if<events::ShipmentVoided>(&event)) return events::Participant::shipping;
    const auto* nothing = std::get_if<events::NothingToCompensate>(&event);
    return nothing ? std::optional(nothing->participant) : std::nullopt;
}

}  // namespace

Invariants::Invariants(Shop& shop) : shop_(shop), put_in_(shop.merchandiser.initial_stock()) {
    for (Database* database : shop.databases()) {
        database->watch = [this](const Commit& commit) { committed(commit); };
    }
    shop.wire.watch = [this](const OrderId& id, bool) { requested(id); };
}

void Invariants::committed(const Commit& commit) {
    for (const outbox::LedgerRow& row : commit.rows) {
        std::int64_t& last = last_seq_[commit.service];
        require(row.seq > last, "seq order is commit order", std::to_string(row.seq), row.order_id);
        last = row.seq;
    }
    auto& handled = handled_[commit.service];
    handled.insert(commit.done.begin(), commit.done.end());
    for (const EventId& id : commit.unparked) {
        require(handled.contains(id), "a record stays parked until it is handled", id.to_string());
    }
    for (const events::Event& event : commit.handled) {
        const OrderId* id = events::order_of(event);
        if (id && commit.service == Service::order && answering(event)) {
            answers_[*id].insert(*answering(event));
        }
        const auto key = events::key_of(event);
        require(!key || std::ranges::find(commit.waiting, *key) == commit.waiting.end(),
                "no record passes a parked one of its key", key.value_or(""),
                id ? std::optional(*id) : std::nullopt);
    }
    for (const events::Event& event : commit.events) {
        if (const auto* adjusted = std::get_if<events::StockAdjusted>(&event)) {
            count_pieces(*adjusted);
            continue;
        }
        check_ledger(commit.service, event);
        check_truth(event);
        if (std::holds_alternative<events::OrderCancelled>(event)) {
            check_answers(*events::order_of(event));
        }
    }
    check_parked(commit);
    if (commit.service == Service::inventory) check_stock();
    if (commit.service == Service::shipping) check_storage();
}

void Invariants::check_ledger(Service service, const events::Event& event) {
    const OrderId& id = *events::order_of(event);
    auto& history = ledgers_[service][id];
    history.push_back(events::kind_of(event));
    const auto& legal = legal_ledgers(service);
    const bool holds =
        std::ranges::any_of(legal, [&](const auto& sequence) { return begins(history, sequence); });
    require(holds, "one forward outcome and one answer, in legal order",
            std::string(events::names_of(service).name), id);
}

void Invariants::check_answers(const OrderId& id) const {
    const auto found = answers_.find(id);
    require(found != answers_.end() && found->second.size() == 3,
            "OrderCancelled only after three stored answers", "", id);
}

// Payment's events must agree with the decisions of the gateway, unless an operator settled the
// payment.
void Invariants::check_truth(const events::Event& event) const {
    using State = Charge::State;
    const OrderId& id = *events::order_of(event);
    const Charge* charge = shop_.wire.ledger().find(id);
    const State state = charge ? charge->state : State::none;
    if (std::holds_alternative<events::PaymentCaptured>(event)) {
        require(charge && charge->captures == 1, "PaymentCaptured: the gateway has captured", "",
                id);
    }
    if (std::holds_alternative<events::PaymentDeclined>(event)) {
        require(state == State::declined, "PaymentDeclined: the gateway has declined", "", id);
    }
    if (const auto* refunded = std::get_if<events::PaymentRefunded>(&event)) {
        require(refunded->settled_by || state == State::refunded,
                "PaymentRefunded: the gateway has refunded", "", id);
    }
    const auto* nothing = std::get_if<events::NothingToCompensate>(&event);
    if (nothing && nothing->participant == events::Participant::payment && !nothing->settled_by) {
        const bool buried =
            state == State::none && !shop_.payments.payments.rows().at(id).row.order;
        require(buried || state == State::void_declined || state == State::never_charged,
                "nothing to refund: nothing was and nothing will be charged", "", id);
    }
}

void Invariants::check_parked(const Commit& commit) const {
    for (const outbox::ParkedRecord& parked : commit.parked) {
        switch (parked.why) {
            case outbox::Parking::behind: break;
            case outbox::Parking::dead:
            case outbox::Parking::orphan:
                require(is_planted(*parked.record),
                        "only a planted record is unreadable or an orphan", parked.error,
                        parked.order_id);
                break;
            case outbox::Parking::failed:
                require(shop_.poison.has_struck(commit.service, *parked.record) &&
                            parked.error == "failed: " + std::string(kPoisoned),
                        "only a poisoned record fails", parked.error, parked.order_id);
        }
    }
}

// Whether the record was sent from outside the shop, or is about an order that was planted.
bool Invariants::is_planted(const kafka::Record& record) const {
    const auto order = OrderId::parse(record.key.value());
    return !record.header("planted").empty() || (order && shop_.planted.contains(*order));
}

void Invariants::count_pieces(const events::StockAdjusted& event) {
    const auto& [id, pieces] = std::pair(event.product_id, event.change);
    if (put_in_.contains(id)) {
        added_[id] += pieces;
        return;
    }
    require(shop_.merchandiser.may_have_created(id, pieces),
            "a product is created with the stock that was asked for", id);
    put_in_[id] = pieces;
}

void Invariants::check_stock() const {
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> pieces;  // reserved, sold
    for (const auto& [id, stored] : shop_.inventory.reservations.rows()) {
        for (const inventory::Item& item : stored.row.items) {
            auto& [reserved, sold] = pieces[item.product_id];
            if (stored.row.state == inventory::State::RESERVED) reserved += item.quantity;
            if (stored.row.state == inventory::State::SOLD) sold += item.quantity;
        }
    }
    for (const auto& [id, product] : shop_.inventory.products) {
        const std::int64_t added = added_.contains(id) ? added_.at(id) : 0;
        const std::int64_t put_in = put_in_.at(id) + added;
        require(shop_.merchandiser.may_have_added(id, added),
                "pieces come and go once for each adjustment that was asked for", id);
        require(product.free >= 0, "no piece is promised twice", id);
        require(product.reserved == pieces[id].first, "reserved pieces are those of reservations",
                id);
        require(product.sold == pieces[id].second, "sold pieces are those of sales", id);
        require(product.free + product.reserved + product.sold == put_in, "no piece gets lost", id);
    }
}

void Invariants::check_storage() const {
    const auto booked = std::ranges::count_if(shop_.shipping.shipments.rows(), [](const auto& row) {
        return row.second.row.storage_booked;
    });
    const shipping::Storage& storage = shop_.shipping.storage;
    require(storage.used == booked, "used storage is that of booked shipments",
            std::to_string(storage.used) + " used, " + std::to_string(booked) + " booked");
    require(storage.used <= storage.capacity, "storage is not overbooked",
            std::to_string(storage.used));
}

void Invariants::requested(const OrderId& id) {
    requested_at_[id] = shop_.world.now;
    const auto& rows = shop_.payments.payments.rows();
    require(rows.contains(id) && rows.at(id).row.order,
            "the gateway is asked only for committed intents", "", id);
}

std::string Invariants::history(const OrderId& order) const {
    std::string text;
    for (const auto& [service, orders] : ledgers_) {
        const auto found = orders.find(order);
        if (found == orders.end()) continue;
        text += "  " + std::string(events::names_of(service).name) + ":";
        for (const EventKind kind : found->second) {
            text += " " + std::string(events::type_name(kind));
        }
        text += "\n";
    }
    return text;
}

}  // namespace orderflow::simulation
