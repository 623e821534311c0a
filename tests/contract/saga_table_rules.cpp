// The four rules, asked for every state and event.
#include <stdexcept>

#include "contract/saga_table.hpp"
#include "core/enums.hpp"
#include "inventory/inventory.hpp"
#include "order/saga/saga.hpp"
#include "payment/payment.hpp"
#include "payment/payment_recovery.hpp"
#include "shipping/shipping.hpp"
#include "support/builders.hpp"

namespace orderflow::saga_table {
namespace {

using events::Participant;
using events::Service;

const Instant kNow = test::at(60);

std::string titled(const char* title, const std::vector<Table>& tables) {
    std::string text = std::string("### ") + title + "\n";
    for (const Table& table : tables) text += "\n" + table.markdown();
    return text;
}

// "→ SOLD", or that the row is kept and something noted in it.
template <class Row>
void say_next(Cell& cell, const Row* before, const Row& next) {
    if (before && before->state == next.state) {
        cell.say("noted");
    } else {
        cell.say("→ " + std::string(name_of(next.state)));
    }
}

void say_change(Cell& cell, std::int64_t change, const std::string& of) {
    if (change != 0) cell.say(of + (change > 0 ? " +" : " −") + std::to_string(std::abs(change)));
}

// A column: its heading and the row that an order has in that state; none of an unknown order.
template <class Row>
struct State {
    std::string name;
    std::optional<Row> row;

    const Row* pointer() const { return row ? &*row : nullptr; }
};

template <class Row>
std::vector<std::string> names(const std::vector<State<Row>>& states) {
    std::vector<std::string> names;
    for (const auto& state : states) names.push_back(state.name);
    return names;
}

// Handled once more by the row that it left, an event must change nothing.
template <class Decision>
void require_nothing(const Decision& again) {
    if (again.next || !again.events.empty()) {
        throw std::logic_error("an event that was handled is handled again");
    }
}

// ---- order -------------------------------------------------------------------------------------

Participant participant_of(const events::Event& event) {
    switch (test::producer_of(event)) {
        case Service::payment: return Participant::payment;
        case Service::shipping: return Participant::shipping;
        case Service::inventory:
        case Service::order:
        case Service::analytics: break;
    }
    return Participant::inventory;
}

// Three columns are CANCELLING: whose answers are there makes the difference, seen from the
// participant that the event comes from.
std::vector<State<order::Saga>> order_states(Participant from) {
    const test::Story story;
    const order::Saga placed = *order::place(story.id, story.order).next;
    const order::Saga completed = *order::decide(&placed, story.scheduled(), kNow).next;
    const order::Saga cancelling =
        *order::cancel(story.id, placed, events::Reason::CUSTOMER, kNow).next;
    order::Saga last = cancelling;
    last.answers = static_cast<std::int16_t>(order::kAllAnswered & ~order::bit(from));
    order::Saga answered = cancelling;
    answered.answers = order::bit(from);
    order::Saga cancelled = cancelling;
    cancelled.state = order::State::CANCELLED;
    cancelled.answers = order::kAllAnswered;
    return {{"no row", {}},
            {"PROCESSING", placed},
            {"COMPLETED", completed},
            {"CANCELLING, others are missing too", cancelling},
            {"CANCELLING, only this one is missing", last},
            {"CANCELLING, this one has answered", answered},
            {"CANCELLED", cancelled}};
}

Cell say(const order::Saga* before, const order::Decision& decision) {
    Cell cell;
    if (decision.orphan) cell.say(Cell::kParked);
    if (decision.recreate) cell.say("recreated");
    if (decision.next) say_next(cell, before, *decision.next);
    return cell.emit(decision.events);
}

Cell ask_order(const events::Event& event, std::size_t column) {
    const auto states = order_states(participant_of(event));
    const order::Saga* before = states[column].pointer();
    const order::Decision decision = order::decide(before, event, kNow);
    if (decision.next) require_nothing(order::decide(&*decision.next, event, kNow));
    return say(before, decision);
}

// ---- inventory ---------------------------------------------------------------------------------

std::vector<State<inventory::Reservation>> inventory_states() {
    std::vector<State<inventory::Reservation>> states{{"no row", {}}};
    for (const auto state :
         {inventory::State::RESERVED, inventory::State::REJECTED, inventory::State::SOLD,
          inventory::State::RELEASED, inventory::State::CANCELLED}) {
        inventory::Reservation row;
        row.state = state;
        if (state != inventory::State::REJECTED && state != inventory::State::CANCELLED) {
            row.items = {{"ITEM-001", 1}};
        }
        states.push_back({std::string(name_of(state)), row});
    }
    return states;
}

// The product of the stories' order.
inventory::Stock stock_of(std::int64_t price, std::int64_t free) {
    inventory::Stock stock;
    stock.loaded("ITEM-001", {"Laptop", {price, {}}, free, 1, 0});
    return stock;
}

Cell ask_inventory(const events::Event& event, std::size_t column, const inventory::Stock& stock) {
    const auto states = inventory_states();
    const inventory::Reservation* before = states[column].pointer();
    const auto decision = inventory::decide(before, event, stock, kNow);
    if (decision.next) {
        require_nothing(inventory::decide(&*decision.next, event, stock, kNow));
    }
    Cell cell;
    if (decision.orphan) cell.say(Cell::kParked);
    if (decision.next) say_next(cell, before, *decision.next);
    for (const inventory::Move& move : decision.moves) {
        say_change(cell, move.free, "free");
        say_change(cell, move.reserved, "reserved");
        say_change(cell, move.sold, "sold");
    }
    return cell.emit(decision.events);
}

// ---- payment -----------------------------------------------------------------------------------

std::vector<State<payment::Payment>> payment_states() {
    using payment::Settlement;
    const test::Story story;
    std::vector<State<payment::Payment>> states;
    const auto add = [&](payment::State state, std::optional<Settlement> as = {},
                         const std::string& charge_id = {}) {
        payment::Payment row;
        row.charge_id = charge_id;
        row.state = state;
        row.order = story.order;
        row.settled_as = as;
        std::string suffix = as ? " as " + std::string(name_of(*as)) : "";
        if (state == payment::State::CANCELLING && !charge_id.empty()) suffix = " of a capture";
        states.push_back({std::string(name_of(state)) + suffix, row});
    };
    add(payment::State::INTENT);
    add(payment::State::UNKNOWN);
    add(payment::State::CAPTURED, {}, "ch_1");
    add(payment::State::DECLINED);
    add(payment::State::CANCELLING);
    add(payment::State::CANCELLING, {}, "ch_1");
    add(payment::State::SETTLED, Settlement::REFUNDED);
    add(payment::State::SETTLED, Settlement::NEVER_CHARGED);
    add(payment::State::REFUNDED);
    add(payment::State::NEVER_CHARGED);
    return states;
}

Cell say(const payment::Payment* before, const payment::Decision& decision) {
    Cell cell;
    if (decision.next) say_next(cell, before, *decision.next);
    if (decision.alarm == payment::Alarm::wrong_amount) cell.say("**alarm** wrong_amount");
    if (decision.alarm == payment::Alarm::settled_otherwise) {
        cell.say("**alarm** settled_otherwise");
    }
    if (decision.alarm == payment::Alarm::capture_denied) cell.say("**alarm** capture_denied");
    return cell.emit(decision.events);
}

Cell ask_payment(const events::Event& event, const payment::Payment* before) {
    const auto decision = payment::decide(before, event, {}, kNow);
    if (decision.next) require_nothing(payment::decide(&*decision.next, event, {}, kNow));
    return say(before, decision);
}

Table payment_events() {
    auto states = payment_states();
    states.insert(states.begin(), {"no row", {}});
    Table table("event", names(states));
    table.events_of(Service::payment, all_events(),
                    [&](const events::Event& event, std::size_t column) {
                        return ask_payment(event, states[column].pointer());
                    });
    return table;
}

std::vector<std::pair<std::string, payment::GatewayResult>> gateway_results() {
    const test::Story story;
    const Money asked = payment::amount_of(story.order);
    const auto charge = [&](payment::ChargeResult result) {
        return payment::GatewayResult{story.id, std::move(result)};
    };
    const auto cancel = [&](payment::CancelResult result) {
        return payment::GatewayResult{story.id, std::move(result)};
    };
    using enum events::PaymentRejection;
    return {{"charge: captured", charge(payment::Captured{"ch_1", asked})},
            {"charge: captured, another amount",
             charge(payment::Captured{"ch_1", {asked.amount + 1, asked.currency}})},
            {"charge: declined", charge(payment::Declined{CARD_DECLINED})},
            {"charge: token unknown", charge(payment::Declined{CARD_TOKEN_UNKNOWN})},
            {"charge: unclear", charge(payment::Unclear{})},
            {"cancel: refunded", cancel(payment::Refunded{asked})},
            {"cancel: refunded, another amount",
             cancel(payment::Refunded{{asked.amount + 1, asked.currency}})},
            {"cancel: nothing was taken", cancel(payment::NothingTaken{})},
            {"cancel: unclear", cancel(payment::Unclear{})}};
}

Cell say_call(const payment::Payment& row) {
    Cell cell;
    if (!payment::is_open(row.state)) return cell;
    switch (payment::call_of(row.state)) {
        case payment::CallKind::charge: return cell.say("charge");
        case payment::CallKind::retry: return cell.say("charge again");
        case payment::CallKind::cancel: return cell.say("cancel");
    }
    return cell;
}

Table payment_results() {
    const test::Story story;
    const auto states = payment_states();
    Table table("call to the gateway, or the operator", names(states));
    std::vector<Cell> calls;
    for (const auto& state : states) calls.push_back(say_call(*state.row));
    table.row("*the call that is due*", calls);
    for (const auto& [name, result] : gateway_results()) {
        std::vector<Cell> cells;
        for (const auto& state : states) {
            cells.push_back(say(&*state.row, payment::apply_answer(*state.row, result, kNow)));
        }
        table.row(name, cells);
    }
    for (const auto as : {payment::Settlement::REFUNDED, payment::Settlement::NEVER_CHARGED}) {
        std::vector<Cell> cells;
        for (const auto& state : states) {
            const auto decision = payment::settle_by_hand(story.id, *state.row, as, "Kim", kNow);
            cells.push_back(decision ? say(&*state.row, *decision) : Cell().say("refused"));
        }
        table.row("operator: " + std::string(name_of(as)), cells);
    }
    return table;
}

// ---- shipping ----------------------------------------------------------------------------------

std::vector<State<shipping::Shipment>> shipping_states() {
    const test::Story story;
    std::vector<State<shipping::Shipment>> states{{"no row", {}}};
    const auto add = [&](shipping::State state, bool booked = false) {
        shipping::Shipment row;
        row.state = state;
        row.shipment_id = story.shipment;
        row.storage_booked = booked;
        states.push_back({std::string(name_of(state)) + (booked ? " with a slot" : ""), row});
    };
    add(shipping::State::SCHEDULED);
    add(shipping::State::SCHEDULED, true);
    add(shipping::State::REFUSED);
    add(shipping::State::VOIDED);
    add(shipping::State::CANCELLED);
    return states;
}

Cell ask_shipping(const events::Event& event, std::size_t column,
                  const shipping::Storage& storage) {
    const auto states = shipping_states();
    const shipping::Shipment* before = states[column].pointer();
    const shipping::Settings settings{{"KR"}};
    const ShipmentId id = test::new_id<ShipmentId>();
    const auto decision = shipping::decide(before, event, &storage, settings, id, kNow);
    if (decision.next) {
        require_nothing(shipping::decide(&*decision.next, event, &storage, settings, id, kNow));
    }
    Cell cell;
    if (decision.next) say_next(cell, before, *decision.next);
    say_change(cell, decision.storage_change, "slots");
    return cell.emit(decision.events);
}

// A row for one event under circumstances that are not in the event's type.
template <class Ask>
void add_row(Table& table, const std::string& name, std::size_t states, Ask ask) {
    std::vector<Cell> cells;
    for (std::size_t i = 0; i < states; ++i) cells.push_back(ask(i));
    table.row(name, cells);
}

std::vector<Case> without(events::EventKind kind) {
    std::vector<Case> cases = all_events();
    std::erase_if(cases, [&](const Case& one) { return events::kind_of(one.event) == kind; });
    return cases;
}

}  // namespace

std::string order_tables() {
    const test::Story story;
    const auto states = order_states(Participant::inventory);
    Table table("event, or who cancels", names(states));
    table.events_of(Service::order, all_events(), ask_order);
    for (const auto reason : {events::Reason::CUSTOMER, events::Reason::DEADLINE}) {
        add_row(table, "*cancel* " + std::string(name_of(reason)), states.size(), [&](auto i) {
            if (!states[i].row) return Cell().say("no such order");
            return say(&*states[i].row, order::cancel(story.id, *states[i].row, reason, kNow));
        });
    }
    return titled("order", {table});
}

std::string inventory_tables() {
    const auto states = inventory_states();
    Table table("event", names(states));
    const inventory::Stock enough = stock_of(1500, 5);
    const auto placed = [&](const std::string& name, const inventory::Stock& stock) {
        add_row(table, "`OrderPlaced`" + name, states.size(),
                [&](auto i) { return ask_inventory(test::Story().placed(), i, stock); });
    };
    placed(", all there", enough);
    placed(", a product is unknown", inventory::Stock());
    placed(", a price is another", stock_of(1400, 5));
    placed(", too few pieces are free", stock_of(1500, 0));
    table.events_of(Service::inventory, without(events::EventKind::OrderPlaced),
                    [&](const auto& event, auto i) { return ask_inventory(event, i, enough); });
    return titled("inventory", {table});
}

std::string payment_tables() { return titled("payment", {payment_events(), payment_results()}); }

std::string shipping_tables() {
    const auto states = shipping_states();
    Table table("event", names(states));
    const shipping::Storage free{2, 1};
    const auto captured = [&](const std::string& name, const shipping::Storage& storage,
                              const std::string& country, bool stored) {
        test::Story story;
        story.order.shipment->address.country = country;
        story.order.warehouse_storage = stored;
        add_row(table, "`PaymentCaptured`" + name, states.size(),
                [&](auto i) { return ask_shipping(story.captured(), i, storage); });
    };
    captured("", free, "KR", false);
    captured(", a slot is wanted and free", free, "KR", true);
    captured(", a slot is wanted, none is free", {1, 1}, "KR", true);
    captured(", the country is not served", free, "AQ", false);
    table.events_of(Service::shipping, without(events::EventKind::PaymentCaptured),
                    [&](const auto& event, auto i) { return ask_shipping(event, i, free); });
    return titled("shipping", {table});
}

}  // namespace orderflow::saga_table
