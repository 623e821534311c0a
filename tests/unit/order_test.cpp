// The order's rules, against a table written by hand.

#include <map>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "order/saga/saga.hpp"
#include "support/builders.hpp"

namespace orderflow::order {
namespace {

using events::Compensation;
using events::Event;
using events::Participant;
using events::Reason;
using test::at;
using test::name_of;
using test::Story;

std::string names_of(const std::vector<Event>& list) {
    std::string names;
    for (const Event& event : list) names += (names.empty() ? "" : " ") + name_of(event);
    return names;
}

std::string name_of_state(State state) { return boost::describe::enum_to_string(state, ""); }

Saga processing(const Story& story) { return *place(story.id, story.order).next; }

Saga completed(const Story& story) {
    const Saga saga = processing(story);
    return *decide(&saga, story.scheduled(), at(9)).next;
}

Saga cancelling(const Story& story, std::int16_t answers = 0) {
    Saga saga = *cancel(story.id, processing(story), Reason::CUSTOMER, at(5)).next;
    saga.answers = answers;
    return saga;
}

Saga cancelled(const Story& story) {
    Saga saga = cancelling(story, kAllAnswered);
    saga.state = State::CANCELLED;
    saga.finished_at = at(7);
    return saga;
}

constexpr std::int16_t all_but(Participant participant) {
    return static_cast<std::int16_t>(kAllAnswered & ~bit(participant));
}

// What an event does: the state after it, and what is emitted. "": nothing changes; "orphan": the
// order is unknown and cannot be made from the event.
struct Answer {
    const char* state;
    const char* emits;
};
const Answer kNothing{"", ""};
const Answer kOrphan{"orphan", ""};
const Answer kStep{"PROCESSING", ""};
const Answer kRecreate{"PROCESSING", "OrderPlaced"};
const Answer kComplete{"COMPLETED", "OrderCompleted"};
const Answer kCancel{"CANCELLING", "CancellationStarted"};
const Answer kAnswered{"CANCELLING", ""};
const Answer kLastAnswer{"CANCELLED", "OrderCancelled"};

// The order of the columns: unknown, PROCESSING, COMPLETED, CANCELLING, CANCELLING where all but
// this participant have answered, CANCELLED.
struct TableRow {
    Event event;
    Participant participant;
    Answer unknown, processing, completed, cancelling, last_missing, cancelled;
};

std::vector<TableRow> table(const Story& s) {
    using enum Participant;
    const Answer none = kNothing;
    const Answer orphan = kOrphan;
    // clang-format off
    return {
        {s.reserved(),         inventory, kRecreate, kStep,     none, none,      none,        none},
        {s.captured(),         payment,   kRecreate, kStep,     none, none,      none,        none},
        {s.scheduled(),        shipping,  orphan,    kComplete, none, none,      none,        none},
        {s.rejected(),         inventory, orphan,    kCancel,   none, none,      none,        none},
        {s.declined(),         payment,   orphan,    kCancel,   none, none,      none,        none},
        {s.refused(),          shipping,  orphan,    kCancel,   none, none,      none,        none},
        {s.released(),         inventory, orphan,    none,      none, kAnswered, kLastAnswer, none},
        {s.refunded(),         payment,   orphan,    none,      none, kAnswered, kLastAnswer, none},
        {s.voided(),           shipping,  orphan,    none,      none, kAnswered, kLastAnswer, none},
        {s.nothing(inventory), inventory, orphan,    none,      none, kAnswered, kLastAnswer, none},
        {s.nothing(payment),   payment,   orphan,    none,      none, kAnswered, kLastAnswer, none},
        {s.nothing(shipping),  shipping,  orphan,    none,      none, kAnswered, kLastAnswer, none},
        {s.placed(),           inventory, orphan,    none,      none, none,      none,        none},
        {s.cancellation(),     inventory, orphan,    none,      none, none,      none,        none},
        {s.completed(),        inventory, orphan,    none,      none, none,      none,        none},
        {s.cancelled(),        inventory, orphan,    none,      none, none,      none,        none},
        {events::StockAdjusted{"ITEM-001", "Laptop", 1500, {}, 5},
                               inventory, orphan,    none,      none, none,      none,        none},
    };
    // clang-format on
}

void check_answer(const Saga* before, const Event& event, const Answer& expected) {
    CAPTURE(name_of(event), before ? name_of_state(before->state) : "unknown");
    const Decision decision = decide(before, event, at(8));

    CHECK(decision.orphan == (std::string(expected.state) == "orphan"));
    CHECK(names_of(decision.events) == expected.emits);
    CHECK(decision.next.has_value() == (expected.state[0] != '\0' && !decision.orphan));
    if (!decision.next) return;
    CHECK(name_of_state(decision.next->state) == expected.state);

    const Decision again = decide(&*decision.next, event, at(20));
    CHECK_FALSE(again.next.has_value());
    CHECK(again.events.empty());
}

// Handles the events as one batch and says what came out.

}  // namespace

TEST_CASE("order: every event has its answer in every state, and none a second time") {
    const Story story;
    for (const TableRow& row : table(story)) {
        const Saga in_process = processing(story);
        const Saga complete = completed(story);
        const Saga unanswered = cancelling(story);
        const Saga last_missing = cancelling(story, all_but(row.participant));
        const Saga finished = cancelled(story);
        check_answer(nullptr, row.event, row.unknown);
        check_answer(&in_process, row.event, row.processing);
        check_answer(&complete, row.event, row.completed);
        check_answer(&unanswered, row.event, row.cancelling);
        check_answer(&last_missing, row.event, row.last_missing);
        check_answer(&finished, row.event, row.cancelled);
    }
}

TEST_CASE("order: the table has a row for every kind of event") {
    std::map<events::EventKind, int> kinds;
    for (const TableRow& row : table(Story{})) ++kinds[events::kind_of(row.event)];
    CHECK(kinds.size() == events::kEventKinds);
}

TEST_CASE("order: placing emits the order as placed") {
    const Story story;

    const Decision decision = place(story.id, story.order);

    REQUIRE(decision.next.has_value());
    CHECK(decision.next->state == State::PROCESSING);
    CHECK(decision.next->placed_at == story.order.placed_at);
    CHECK(decision.next->customer_id == story.order.customer_id);
    CHECK(decision.next->total == Money{1500, Currency{}});
    CHECK(decision.events == std::vector<Event>{story.placed()});
}

TEST_CASE("order: the forward steps leave their times and complete the order") {
    const Story story;
    Saga saga = processing(story);

    saga = *decide(&saga, story.reserved(), at(1)).next;
    saga = *decide(&saga, story.captured(), at(2)).next;
    const Decision last = decide(&saga, story.scheduled(), at(3));

    REQUIRE(last.next.has_value());
    CHECK(last.next->reserved_at == at(1));
    CHECK(last.next->captured_at == at(2));
    CHECK(last.next->finished_at == at(3));
    CHECK(last.next->shipment_id == story.shipment);
    CHECK(last.events == std::vector<Event>{story.completed()});
}

TEST_CASE("order: steps that overtake each other still complete the order once") {
    const Story story;
    std::vector<Event> steps{story.reserved(), story.captured(), story.scheduled()};
    const auto by_kind = [](const Event& a, const Event& b) { return a.index() < b.index(); };
    std::ranges::sort(steps, by_kind);
    do {
        Saga saga = processing(story);
        std::string emitted;
        for (const Event& event : steps) {
            const Decision decision = decide(&saga, event, at(1));
            emitted += names_of(decision.events);
            if (decision.next) saga = *decision.next;
        }
        CHECK(emitted == "OrderCompleted");
        CHECK(saga.state == State::COMPLETED);
    } while (std::ranges::next_permutation(steps, by_kind).found);
}

TEST_CASE("order: each refusal starts the cancellation with its own reason") {
    using enum Reason;
    const Story s;
    const std::vector<std::pair<Event, Reason>> refusals{
        {s.rejected(events::StockRejection::OUT_OF_STOCK), OUT_OF_STOCK},
        {s.rejected(events::StockRejection::UNKNOWN_PRODUCT), UNKNOWN_PRODUCT},
        {s.rejected(events::StockRejection::PRICE_MISMATCH), PRICE_MISMATCH},
        {s.declined(events::PaymentRejection::CARD_DECLINED), CARD_DECLINED},
        {s.declined(events::PaymentRejection::CARD_TOKEN_UNKNOWN), CARD_TOKEN_UNKNOWN},
        {s.refused(events::ShipmentRejection::CARRIER_REFUSED), CARRIER_REFUSED},
        {s.refused(events::ShipmentRejection::STORAGE_FULL), STORAGE_FULL}};
    for (const auto& [event, reason] : refusals) {
        const Saga saga = processing(s);

        const Decision decision = decide(&saga, event, at(4));

        REQUIRE(decision.next.has_value());
        CHECK(decision.next->reason == reason);
        CHECK(decision.next->cancelling_at >= at(4));
        CHECK_FALSE(decision.next->finished_at.has_value());
        CHECK(decision.events == std::vector<Event>{s.cancellation(reason)});
    }
}

TEST_CASE("order: the customer and the deadline cancel only what is still in process") {
    const Story story;
    const auto reason = GENERATE(Reason::CUSTOMER, Reason::DEADLINE);

    const Decision decision = cancel(story.id, processing(story), reason, at(4));

    REQUIRE(decision.next.has_value());
    CHECK(decision.next->state == State::CANCELLING);
    CHECK(decision.events == std::vector<Event>{story.cancellation(reason)});
    for (const Saga& saga : {completed(story), cancelling(story), cancelled(story)}) {
        const Decision late = cancel(story.id, saga, reason, at(9));
        CHECK_FALSE(late.next.has_value());
        CHECK(late.events.empty());
    }
}

TEST_CASE("order: three answers in any order, each twice, cancel once and name what was undone") {
    using enum Participant;
    const Story s;
    const int undone = GENERATE(range(0, 8));  // bits: who had something to undo
    const std::vector<Event> answers{undone & 1 ? Event{s.released()} : Event{s.nothing(inventory)},
                                     undone & 2 ? Event{s.refunded()} : Event{s.nothing(payment)},
                                     undone & 4 ? Event{s.voided()} : Event{s.nothing(shipping)}};
    events::OrderCancelled expected = s.cancelled();
    if (undone & 1) expected.undone.push_back(Compensation::StockReleased);
    if (undone & 2) expected.undone.push_back(Compensation::PaymentRefunded);
    if (undone & 4) expected.undone.push_back(Compensation::ShipmentVoided);

    std::vector<std::size_t> sequence{0, 1, 2};
    do {
        Saga saga = cancelling(s);
        std::vector<Event> emitted;
        for (const std::size_t n : {sequence[0], sequence[0], sequence[1], sequence[0], sequence[1],
                                    sequence[2], sequence[2], sequence[1]}) {
            const State before = saga.state;
            const Decision decision = decide(&saga, answers[n], at(6));
            CHECK(decision.events.empty() == (before == State::CANCELLED || n != sequence[2]));
            emitted.insert(emitted.end(), decision.events.begin(), decision.events.end());
            if (decision.next) saga = *decision.next;
        }
        CHECK(emitted == std::vector<Event>{expected});
        CHECK(saga.state == State::CANCELLED);
        CHECK(saga.finished_at > at(6));  // just after the last answer
        CHECK(saga.finished_at < at(7));
    } while (std::ranges::next_permutation(sequence).found);
}

TEST_CASE("order: of shipment and refusal the first one at the row wins") {
    const Story story;
    const Saga saga = processing(story);
    const std::vector<Event> refusals{story.rejected(), story.declined(), story.refused()};

    const Saga forward = *decide(&saga, story.scheduled(), at(1)).next;
    for (const Event& refusal : refusals) CHECK_FALSE(decide(&forward, refusal, at(2)).next);

    for (const Event& refusal : refusals) {
        const Saga back = *decide(&saga, refusal, at(1)).next;
        const Decision late = decide(&back, story.scheduled(), at(2));
        CHECK_FALSE(late.next.has_value());
        CHECK(late.events.empty());
    }
}

TEST_CASE("order: an order that nobody knows is made again from the event that carries it") {
    const Story story;
    const Event reserved = story.reserved();
    const Event captured = story.captured();

    const Decision by_stock = decide(nullptr, reserved, at(1));
    CHECK(by_stock.recreate == &std::get<events::StockReserved>(reserved).order);
    CHECK(by_stock.next->reserved_at == at(1));
    CHECK(by_stock.next->placed_at == story.order.placed_at);
    CHECK(by_stock.events == std::vector<Event>{story.placed()});

    const Decision by_payment = decide(nullptr, captured, at(1));
    CHECK(by_payment.recreate == &std::get<events::PaymentCaptured>(captured).order);
    CHECK(by_payment.next->reserved_at == at(1));
    CHECK(by_payment.next->captured_at > at(1));
}

TEST_CASE("order: a row that is made again agrees with the ledger, and nothing is emitted again") {
    const Story s;
    const std::vector<LedgerEntry> placed{{s.placed(), at(0)}};
    std::vector<LedgerEntry> cancelling = placed;
    cancelling.push_back({s.cancellation(), at(1)});
    std::vector<LedgerEntry> cancelled = cancelling;
    cancelled.push_back({s.cancelled(), at(2)});
    std::vector<LedgerEntry> completed = placed;
    completed.push_back({s.completed(), at(3)});
    const auto made = [&](std::span<const LedgerEntry> ledger) {
        const Decision decision = recreate(s.captured(), ledger, at(9));
        CHECK(decision.events.empty());
        CHECK(decision.recreate);
        return *decision.next;
    };

    CHECK(made(placed).state == State::PROCESSING);
    CHECK(made(placed).captured_at > at(9));
    const Saga waits = made(cancelling);
    CHECK(waits.state == State::CANCELLING);
    CHECK(waits.reason == s.cancellation().reason);
    CHECK(waits.cancelling_at == at(1));
    CHECK(waits.answers == 0);
    CHECK(decide(&waits, s.refunded(), at(10)).next->state == State::CANCELLING);
    const Saga undone = made(cancelled);
    CHECK(undone.state == State::CANCELLED);
    CHECK(undone.finished_at == at(2));
    CHECK_FALSE(decide(&undone, s.scheduled(), at(10)).next);
    const Saga done = made(completed);
    CHECK(done.state == State::COMPLETED);
    CHECK(done.finished_at == at(3));
    CHECK(done.shipment_id);
    CHECK(recreate(s.scheduled(), cancelled, at(9)).orphan);
}

TEST_CASE("order: it waits for the next participant, or for all that have not answered") {
    const Story s;
    const auto waiting = [](const Saga& saga) {
        std::map<Participant, Instant> found;
        for (const AwaitedAnswer& one : awaited_answers(saga)) found[one.participant] = one.since;
        return found;
    };
    using Found = std::map<Participant, Instant>;
    using enum Participant;
    const Saga placed = processing(s);
    const Saga reserved = *decide(&placed, s.reserved(), at(1)).next;
    const Saga captured = *decide(&reserved, s.captured(), at(2)).next;

    CHECK(waiting(placed) == Found{{inventory, test::kPlacedAt}});
    CHECK(waiting(reserved) == Found{{payment, at(1)}});
    CHECK(waiting(captured) == Found{{shipping, at(2)}});
    CHECK(waiting(cancelling(s)) == Found{{inventory, at(5)}, {payment, at(5)}, {shipping, at(5)}});
    CHECK(waiting(cancelling(s, all_but(payment))) == Found{{payment, at(5)}});
    CHECK(waiting(completed(s)).empty());
    CHECK(waiting(cancelled(s)).empty());
}

}  // namespace orderflow::order
