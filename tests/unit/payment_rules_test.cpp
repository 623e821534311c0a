// Payment's rules against tables written by hand: every state with every event, with every answer
// of the gateway, and with an operator's word.

#include <catch2/catch_test_macros.hpp>

#include "core/enums.hpp"
#include "payment/payment.hpp"
#include "support/rules_table.hpp"

namespace orderflow::payment {
namespace {

using events::Event;
using events::PaymentRejection;
using test::at;
using test::Story;

const std::string kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

// A row as the rules would have made it; "SETTLED/REFUNDED": the operator said REFUNDED.
std::optional<Payment> row(const std::string& label, const Story& story) {
    if (label == "none") return std::nullopt;
    const auto slash = label.find('/');
    Payment payment;
    payment.state = enum_of<State>(label.substr(0, slash));
    payment.order = story.order;
    payment.touched_at = at(1);
    payment.opened_at = at(1);
    payment.traceparent = kTrace;
    payment.attempts = 3;
    const bool captured = payment.state == State::CAPTURED || label == "CANCELLING/captured";
    if (captured) payment.charge_id = "ch_old";
    if (payment.state == State::DECLINED) payment.reason = PaymentRejection::CARD_DECLINED;
    if (payment.state == State::SETTLED) {
        const std::string said = slash == std::string::npos ? "REFUNDED" : label.substr(slash + 1);
        payment.settled_as = enum_of<Settlement>(said);
        payment.settled_by = "kim";
    }
    return payment;
}

std::string cell_of(const Decision& decision) {
    std::string cell =
        test::cell_of(decision.next ? &decision.next->state : nullptr, decision.events);
    if (decision.alarm == Alarm::wrong_amount) cell += "!wrong_amount";
    if (decision.alarm == Alarm::settled_otherwise) cell += "!settled_otherwise";
    if (decision.alarm == Alarm::capture_denied) cell += "!capture_denied";
    return cell;
}

GatewayResult result(const std::string& name, const OrderId& id) {
    const auto charge = [&](ChargeResult said) { return GatewayResult{id, std::move(said)}; };
    const auto cancel = [&](CancelResult said) { return GatewayResult{id, std::move(said)}; };
    if (name == "captured") return charge(Captured{"ch_1", {1500, {}}});
    if (name == "captured/amount") return charge(Captured{"ch_1", {1499, {}}});
    if (name == "captured/currency") {
        return charge(Captured{"ch_1", {1500, *Currency::parse("USD")}});
    }
    if (name == "declined") return charge(Declined{PaymentRejection::CARD_TOKEN_UNKNOWN});
    if (name == "charge-unclear") return charge(Unclear{"timeout"});
    if (name == "refunded") return cancel(Refunded{{1500, {}}});
    if (name == "nothing-taken") return cancel(NothingTaken{});
    REQUIRE(name == "cancel-unclear");
    return cancel(Unclear{"timeout"});
}

const char* const kEvents = R"(
    bury   = NEVER_CHARGED+NothingToCompensate
    cancel = CANCELLING
    NEVER  = NEVER_CHARGED
                        none   INTENT UNKNOWN CAPTURED DECLINED CANCELLING SETTLED REFUNDED NEVER
    StockReserved       INTENT -      -       -        -        -          -       -        -
    CancellationStarted bury   cancel cancel  cancel   cancel   -          -       -        -
    OrderPlaced         -      -      -       -        -        -          -       -        -
    OrderCompleted      -      -      -       -        -        -          -       -        -
    OrderCancelled      -      -      -       -        -        -          -       -        -
    StockRejected       -      -      -       -        -        -          -       -        -
    StockReleased       -      -      -       -        -        -          -       -        -
    StockAdjusted       -      -      -       -        -        -          -       -        -
    PaymentCaptured     -      -      -       -        -        -          -       -        -
    PaymentDeclined     -      -      -       -        -        -          -       -        -
    PaymentRefunded     -      -      -       -        -        -          -       -        -
    NothingToCompensate -      -      -       -        -        -          -       -        -
    ShipmentScheduled   -      -      -       -        -        -          -       -        -
    ShipmentRefused     -      -      -       -        -        -          -       -        -
    ShipmentVoided      -      -      -       -        -        -          -       -        -
)";

// "!…" is an alarm; the state behind SETTLED is what the operator had said, "had/C" is CANCELLING
// after a capture.
const char* const kResults = R"(
    ok     = CAPTURED+PaymentCaptured
    no     = DECLINED+PaymentDeclined
    wrong  = UNKNOWN!wrong_amount
    again  = UNKNOWN
    back   = REFUNDED+PaymentRefunded
    none   = NEVER_CHARGED+NothingToCompensate
    wait   = CANCELLING
    hold   = SETTLED
    true/R = REFUNDED
    true/N = NEVER_CHARGED
    lie/R  = REFUNDED!settled_otherwise
    lie/N  = NEVER_CHARGED!settled_otherwise
    late   = CANCELLING
    ghost  = NEVER_CHARGED!capture_denied
    doubt  = CANCELLING!capture_denied
    had/C  = CANCELLING/captured
    said/R = SETTLED/REFUNDED
    said/N = SETTLED/NEVER_CHARGED
    NEVER  = NEVER_CHARGED
                      INTENT UNKNOWN CAPTURED DECLINED CANCELLING had/C said/R said/N REFUNDED NEVER
    captured          ok     ok      -        -        late       -     -      -      -       ghost
    captured/amount   wrong  wrong   -        -        -          -     -      -      -        -
    captured/currency wrong  wrong   -        -        -          -     -      -      -        -
    declined          no     no      -        -        -          -     -      -      -        -
    charge-unclear    again  again   -        -        -          -     -      -      -        -
    refunded          -      -       -        -        back       back  true/R lie/R  -        -
    nothing-taken     -      -       -        -        none       doubt lie/N  true/N -        -
    cancel-unclear    -      -       -        -        wait       wait  hold   hold   -        -
)";

const char* const kByHand = R"(
    back  = SETTLED+PaymentRefunded
    none  = SETTLED+NothingToCompensate
    NEVER = NEVER_CHARGED
                  INTENT UNKNOWN CAPTURED DECLINED CANCELLING SETTLED REFUNDED NEVER
    REFUNDED      -      -       -        -        back       -       -        -
    NEVER_CHARGED -      -       -        -        none       -       -        -
)";

}  // namespace

TEST_CASE("payment rules: every state answers every event, and none a second time") {
    const test::RulesTable table(kEvents);
    CHECK(test::names_in(table.states) == test::none_and_all<State>());
    CHECK(test::names_in(table.events) == test::all_event_names());
    for (const auto& event : table.events) {
        for (const auto& state : table.states) {
            CAPTURE(state, event);
            const Story story;
            const auto payment = row(state, story);
            const Event when = test::any_event(story, event);

            const Decision decision = decide(payment ? &*payment : nullptr, when, kTrace, at(2));

            CHECK(cell_of(decision) == table.cell(event, state));
            if (!decision.next) continue;
            CHECK(decision.next->touched_at == at(2));
            CHECK(decision.next->attempts == 0);
            CHECK(cell_of(decide(&*decision.next, when, kTrace, at(3))) == "-");
        }
    }
}

TEST_CASE("payment rules: every state answers every result of the gateway, late ones too") {
    const test::RulesTable table(kResults);
    auto states = test::none_and_all<State>();
    states.erase("none");  // who has no row was not called
    CHECK(test::names_in(table.states) == states);
    CHECK(table.events.size() == 8);
    for (const auto& said : table.events) {
        for (const auto& state : table.states) {
            CAPTURE(state, said);
            const Story story;
            const Payment payment = *row(state, story);

            const Decision decision = apply_answer(payment, result(said, story.id), at(2));

            CHECK(cell_of(decision) == table.cell(said, state));
            if (!decision.next) continue;
            CHECK(decision.next->touched_at == at(2));
            const bool again = is_open(decision.next->state) && said != "captured";
            CHECK(decision.next->attempts == (again ? 4 : 3));
            CHECK(decision.next->settled_as == payment.settled_as);
            CHECK(decision.next->settled_by == payment.settled_by);
        }
    }
}

TEST_CASE("payment rules: an operator answers for the gateway only while the order waits for it") {
    const test::RulesTable table(kByHand);
    auto states = test::none_and_all<State>();
    states.erase("none");
    CHECK(test::names_in(table.states) == states);
    for (const auto& as : table.events) {
        for (const auto& state : table.states) {
            CAPTURE(state, as);
            const Story story;

            const auto decision =
                settle_by_hand(story.id, *row(state, story), enum_of<Settlement>(as), "kim", at(2));

            CHECK(decision.has_value() == (table.cell(as, state) != "-"));
            if (decision) CHECK(cell_of(*decision) == table.cell(as, state));
        }
    }
}

TEST_CASE("payment rules: an operator's outcome has the name, and calls begin anew from zero") {
    const Story story;
    const Payment cancelling = *row("CANCELLING", story);

    const auto refunded = settle_by_hand(story.id, cancelling, Settlement::REFUNDED, "kim", at(2));
    const auto never =
        settle_by_hand(story.id, cancelling, Settlement::NEVER_CHARGED, "lee", at(2));

    REQUIRE(refunded);
    CHECK(refunded->events ==
          std::vector<Event>{events::PaymentRefunded{story.id, 1500, {}, "kim"}});
    CHECK(refunded->next->settled_as == Settlement::REFUNDED);
    CHECK(refunded->next->settled_by == "kim");
    CHECK(refunded->next->attempts == 0);
    CHECK(refunded->next->touched_at == at(2));
    CHECK(is_open(refunded->next->state));
    REQUIRE(never);
    CHECK(never->events == std::vector<Event>{events::NothingToCompensate{
                               story.id, events::Participant::payment, "lee"}});
    CHECK(never->next->settled_as == Settlement::NEVER_CHARGED);
}

TEST_CASE(
    "payment rules: the gateway's answer after an operator's ends the row, without an event") {
    const Story story;
    const Payment settled =
        *settle_by_hand(story.id, *row("CANCELLING", story), Settlement::REFUNDED, "kim", at(2))
             ->next;

    const Decision unclear = apply_answer(settled, result("cancel-unclear", story.id), at(3));
    REQUIRE(unclear.next);
    CHECK(unclear.next->attempts == 1);
    const Decision truth = apply_answer(*unclear.next, result("nothing-taken", story.id), at(4));
    REQUIRE(truth.next);
    CHECK(truth.alarm == Alarm::settled_otherwise);
    CHECK(truth.events.empty());
    CHECK(truth.next->settled_as == Settlement::REFUNDED);  // what was said stays to be seen

    for (const char* late : {"refunded", "nothing-taken", "cancel-unclear", "declined"}) {
        CAPTURE(late);
        CHECK(cell_of(apply_answer(*truth.next, result(late, story.id), at(5))) == "-");
    }
}

TEST_CASE("payment rules: a capture that is reported late is not believed to have vanished") {
    const Story story;
    const Decision late =
        apply_answer(*row("CANCELLING", story), result("captured", story.id), at(2));
    REQUIRE(late.next);
    CHECK(late.next->charge_id == "ch_1");

    const Decision denied = apply_answer(*late.next, result("nothing-taken", story.id), at(3));
    CHECK(cell_of(denied) == "CANCELLING!capture_denied");
    const Decision undone = apply_answer(*denied.next, result("refunded", story.id), at(4));
    CHECK(cell_of(undone) == "REFUNDED+PaymentRefunded");

    const auto by_hand =
        settle_by_hand(story.id, *denied.next, Settlement::NEVER_CHARGED, "kim", at(4));
    REQUIRE(by_hand);
    CHECK(cell_of(apply_answer(*by_hand->next, result("nothing-taken", story.id), at(5))) ==
          "NEVER_CHARGED");
}

TEST_CASE("payment rules: retries wait 500 ms, then twice as long each time, at most a minute") {
    using std::chrono::milliseconds;
    CHECK(retry_after(0) == milliseconds{0});
    CHECK(retry_after(1) == milliseconds{500});
    CHECK(retry_after(2) == milliseconds{1'000});
    CHECK(retry_after(7) == milliseconds{32'000});
    CHECK(retry_after(8) == milliseconds{60'000});
    CHECK(retry_after(1'000'000) == milliseconds{60'000});
}

}  // namespace orderflow::payment
