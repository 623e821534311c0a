// The invariants that must hold once nothing is under way any more.
#include <algorithm>

#include "core/enums.hpp"
#include "kafka/record.hpp"
#include "outbox/relay.hpp"
#include "simulation/invariants.hpp"

namespace orderflow::simulation {
namespace {

using events::EventKind;
using events::Service;

template <class Row>
const Row* find(const Table<Row>& table, const OrderId& id) {
    const auto found = table.rows().find(id);
    return found == table.rows().end() ? nullptr : &found->second.row;
}

template <class Row>
std::string state_of(const Row* row) {
    return row ? std::string(name_of(row->state)) : "no row";
}

// The longest time between two calls for an open payment, see payment_recovery.hpp: the next call
// is due at the latest 60 s after the last one. A look at the table finds it up to 15 s later, and
// calls of 3 s come in between.
constexpr std::chrono::seconds kLongestSilence{85};

}  // namespace

void Invariants::check_patience(Instant healed) const {
    for (const auto& [id, stored] : shop_.payments.payments.rows()) {
        if (!payment::is_open(stored.row.state)) continue;
        const auto requested = requested_at_.find(id);
        const Instant last =
            std::max({healed, stored.row.touched_at,
                      requested == requested_at_.end() ? healed : requested->second});
        require(shop_.world.now - last < kLongestSilence, "an open payment is called again soon",
                state_of(&stored.row), id);
    }
}

void Invariants::check_at_rest() const {
    for (const OrderId& id : shop_.clients.accepted()) {
        require(find(shop_.orders.orders, id), "an accepted order is stored", "", id);
    }
    for (const auto& [id, stored] : shop_.orders.orders.rows()) check_order(id, stored.row);
    check_stock();
    check_storage();
    check_money();
    check_topics();
    check_nothing_parked();
    check_handled();
    check_fold();
    check_alarms();
    check_analytics();
}

void Invariants::check_order(const OrderId& id, const order::Saga& saga) const {
    switch (saga.state) {
        case order::State::COMPLETED: return check_completed(id, saga);
        case order::State::CANCELLED: return check_cancelled(id);
        case order::State::PROCESSING:
        case order::State::CANCELLING:
            require(false, "every order becomes final", std::string(name_of(saga.state)), id);
    }
}

void Invariants::check_completed(const OrderId& id, const order::Saga& saga) const {
    const Charge* charge = shop_.wire.ledger().find(id);
    require(charge && charge->captures == 1 && charge->refunds == 0 && charge->amount == saga.total,
            "COMPLETED: charged once, not refunded", "", id);
    const auto* payment = find(shop_.payments.payments, id);
    require(payment && payment->state == payment::State::CAPTURED, "COMPLETED: CAPTURED",
            state_of(payment), id);
    require(payment->charge_id == charge_id_of(id), "the charge is the one that the gateway made",
            payment->charge_id, id);
    const auto* reservation = find(shop_.inventory.reservations, id);
    require(reservation && reservation->state == inventory::State::SOLD, "COMPLETED: SOLD",
            state_of(reservation), id);
    const auto* shipment = find(shop_.shipping.shipments, id);
    require(shipment && shipment->state == shipping::State::SCHEDULED, "COMPLETED: SCHEDULED",
            state_of(shipment), id);
}

void Invariants::check_cancelled(const OrderId& id) const {
    const Charge* charge = shop_.wire.ledger().find(id);
    require(!charge || charge->net() == 0, "CANCELLED: the customer has paid nothing",
            charge ? std::to_string(charge->net()) : "", id);
    const auto* payment = find(shop_.payments.payments, id);
    require(payment && (payment->state == payment::State::REFUNDED ||
                        payment->state == payment::State::NEVER_CHARGED),
            "CANCELLED: REFUNDED or NEVER_CHARGED", state_of(payment), id);
    const auto* reservation = find(shop_.inventory.reservations, id);
    require(reservation && (reservation->state == inventory::State::RELEASED ||
                            reservation->state == inventory::State::CANCELLED),
            "CANCELLED: nothing is reserved", state_of(reservation), id);
    const auto* shipment = find(shop_.shipping.shipments, id);
    require(shipment && !shipment->storage_booked &&
                (shipment->state == shipping::State::VOIDED ||
                 shipment->state == shipping::State::CANCELLED),
            "CANCELLED: nothing is shipped or stored", state_of(shipment), id);
}

void Invariants::check_money() const {
    std::int64_t gateway = 0, payments = 0, orders = 0;
    for (const auto& [id, charge] : shop_.wire.ledger().charges()) gateway += charge.net();
    for (const auto& [id, stored] : shop_.payments.payments.rows()) {
        if (stored.row.state == payment::State::CAPTURED) payments += stored.row.order->total;
    }
    for (const auto& [id, stored] : shop_.orders.orders.rows()) {
        if (stored.row.state == order::State::COMPLETED) orders += stored.row.total.amount;
    }
    require(
        gateway == payments && payments == orders,
        "the gateway's money is the payments' and the orders'",
        std::to_string(gateway) + ", " + std::to_string(payments) + ", " + std::to_string(orders));
}

// Only the first occurrence of an event counts: events that are sent again do no harm.
void Invariants::check_topics() const {
    std::map<std::string, const outbox::LedgerRow*> rows;
    for (Database* database : shop_.databases()) {
        for (const outbox::LedgerRow& row : database->outbox()) {
            rows[row.event_id.to_string()] = &row;
        }
    }
    std::set<std::string_view> sent;
    const auto check = [&](const TopicPartition& where, const Log& log) {
        // Keyed by the sending service: services that park records share the topics for them.
        std::map<std::pair<std::string_view, std::string_view>, std::int64_t> last;
        for (const Log::Entry& entry : log.entries) {
            if (!entry.record || !entry.record->header("planted").empty()) continue;
            const kafka::Record& record = *entry.record;
            const auto row = rows.find(std::string(record.header("ce_id")));
            require(row != rows.end(), "a topic holds what the outbox holds", where.first);
            if (!sent.insert(record.header("ce_id")).second) continue;
            std::int64_t& seq = last[{record.header("ce_source"), record.key.value()}];
            require(row->second->seq > seq, "an order's events are sent in order", where.first,
                    row->second->order_id);
            seq = row->second->seq;
        }
    };
    for (const auto& [where, log] : shop_.broker.deleted_logs()) check(where, log);
    for (const auto& [where, log] : shop_.broker.logs()) check(where, log);
    const auto missing = std::ranges::count_if(rows, [&](const auto& row) {
        return !sent.contains(row.first) && !shop_.broker.refuses(row.second->topic);
    });
    require(missing == 0, "every event of the outbox is sent",
            std::to_string(missing) + " are missing");
}

void Invariants::check_nothing_parked() const {
    for (Database* database : shop_.databases()) {
        for (const auto& [id, row] : database->parked()) {
            require(row.dead() && is_planted(row.record),
                    "no record stays parked, but for planted ones", row.error, row.order_id);
        }
    }
}

// Each record that a service consumes was handled by it, or is dead in its table of parked records
// and waits for an operator.
void Invariants::check_handled() const {
    std::map<Service, std::set<std::string_view>> given_up;
    for (const Database* database : shop_.databases()) {
        for (const auto& [id, row] : database->parked()) {
            if (row.dead()) given_up[database->service()].insert(row.ce_id);
        }
    }
    const auto check = [&](Service service, const kafka::Record& record) {
        const auto ce_id = record.header("ce_id");
        const auto [interest, kind] =
            events::classify(service, record.topic, record.header("ce_type"));
        if (interest != events::Interest::consume || given_up[service].contains(ce_id)) return;
        const auto handled = handled_.find(service);
        require(handled != handled_.end() && handled->second.contains(*EventId::parse(ce_id)),
                "a record is handled, or kept for an operator",
                std::string(record.header("ce_type")) + " for " +
                    std::string(events::names_of(service).name),
                OrderId::parse(record.key.value()));
        // A service whose own rows begin with an order's first event cannot handle an orphan.
        const bool lost = record.header("planted") == "orphan" &&
                          (service == Service::order || service == Service::inventory);
        require(!lost, "an orphan is kept for an operator",
                std::string(events::names_of(service).name), OrderId::parse(record.key.value()));
    };
    for (const auto& [where, log] : shop_.broker.logs()) {
        for (std::int64_t offset = log.start; offset < log.end(); ++offset) {
            const auto& record = log.at(offset).record;
            if (!record) continue;
            for (const Database* database : shop_.databases()) check(database->service(), *record);
        }
    }
}

// The tables agree with the ledgers.
void Invariants::check_fold() const {
    const auto last_of = [this](Service service, const OrderId& id) -> std::optional<EventKind> {
        const auto ledger = ledgers_.find(service);
        if (ledger == ledgers_.end() || !ledger->second.contains(id)) return std::nullopt;
        return ledger->second.at(id).back();
    };
    for (const auto& [id, stored] : shop_.orders.orders.rows()) {
        const auto expected = stored.row.state == order::State::COMPLETED
                                  ? EventKind::OrderCompleted
                                  : EventKind::OrderCancelled;
        require(last_of(Service::order, id) == expected, "orders are the fold of their ledger", "",
                id);
    }
    for (const auto& [id, stored] : shop_.inventory.reservations.rows()) {
        using enum inventory::State;
        const auto state = stored.row.state;
        const auto expected = state == RELEASED    ? EventKind::StockReleased
                              : state == CANCELLED ? EventKind::NothingToCompensate
                                                   : EventKind::StockReserved;
        require(last_of(Service::inventory, id) == expected,
                "reservations are the fold of their ledger", state_of(&stored.row), id);
    }
    for (const auto& [id, stored] : shop_.payments.payments.rows()) {
        using enum payment::State;
        const auto ended_as = [&](payment::Settlement settlement, payment::State state) {
            return stored.row.settled_as ? *stored.row.settled_as == settlement
                                         : stored.row.state == state;
        };
        const auto expected = ended_as(payment::Settlement::REFUNDED, REFUNDED)
                                  ? EventKind::PaymentRefunded
                              : ended_as(payment::Settlement::NEVER_CHARGED, NEVER_CHARGED)
                                  ? EventKind::NothingToCompensate
                                  : EventKind::PaymentCaptured;
        require(last_of(Service::payment, id) == expected, "payments are the fold of their ledger",
                state_of(&stored.row), id);
    }
    for (const auto& [id, stored] : shop_.shipping.shipments.rows()) {
        using enum shipping::State;
        const auto state = stored.row.state;
        const auto expected = state == VOIDED      ? EventKind::ShipmentVoided
                              : state == CANCELLED ? EventKind::NothingToCompensate
                                                   : EventKind::ShipmentScheduled;
        require(last_of(Service::shipping, id) == expected,
                "shipments are the fold of their ledger", state_of(&stored.row), id);
    }
}

// A settlement by an operator raises the alarm if it was wrong, and only then.
void Invariants::check_alarms() const {
    std::set<OrderId> contradicted;
    for (const auto& [id, alarm] : shop_.alarms) {
        if (alarm == payment::Alarm::settled_otherwise) contradicted.insert(id);
    }
    for (const auto& [id, stored] : shop_.payments.payments.rows()) {
        if (!stored.row.settled_as) continue;
        const bool refunded = stored.row.state == payment::State::REFUNDED;
        const bool wrong = refunded != (*stored.row.settled_as == payment::Settlement::REFUNDED);
        // The process that would have raised it has died.
        if (shop_.alarms_lost.contains(id)) continue;
        require(contradicted.contains(id) == wrong, "an untrue settlement raises the alarm", "",
                id);
    }
}

// The read model contains every event of every order, and its counters agree with its timelines.
void Invariants::check_analytics() const {
    for (const auto& [id, stored] : shop_.orders.orders.rows()) {
        const auto* timeline = find(shop_.analytics.timelines, id);
        std::size_t known = 0, emitted = 0;
        for (const auto& mark : timeline ? timeline->marks : analytics::Timeline().marks)
            known += !!mark;
        for (const auto& [service, orders] : ledgers_) {
            if (orders.contains(id)) emitted += orders.at(id).size();
        }
        require(known == emitted, "a timeline has every event of its order",
                std::to_string(known) + " of " + std::to_string(emitted), id);
    }
    analytics::Tally tally;
    for (const auto& [id, stored] : shop_.analytics.timelines.rows()) {
        analytics::count(id, {}, stored.row, tally);
    }
    std::map<std::string, std::int64_t> expected;
    for (const auto& [name, sum] : tally.totals) expected[name] = sum.low;
    auto totals = shop_.analytics.totals;
    std::erase_if(totals, [](const auto& total) { return total.second == 0; });
    require(totals == expected, "the counters are those of the timelines", "");
}

}  // namespace orderflow::simulation
