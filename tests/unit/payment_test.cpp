// Batches folded over payment's rules with a store in memory.
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <prometheus/text_serializer.h>

#include "kafka/delivery.hpp"
#include "outbox/unit_of_work.hpp"
#include "payment/payment_results.hpp"
#include "support/builders.hpp"
#include "support/memory_payments.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::payment;
using events::Event;
using events::PaymentRejection;
using kafka::Delivery;
using outbox::BatchOutput;
using test::at;
using test::MemoryPayments;
using test::new_order_id;
using test::Story;

const std::string kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const Money kPrice{1500, {}};

GatewayResult charged(const OrderId& id, ChargeResult result) { return {id, std::move(result)}; }

GatewayResult result(const std::string& name, const OrderId& id) {
    if (name == "captured") return charged(id, Captured{"ch_1", kPrice});
    if (name == "declined") return charged(id, Declined{PaymentRejection::CARD_TOKEN_UNKNOWN});
    REQUIRE(name == "unclear");
    return charged(id, Unclear{"timeout"});
}

Delivery delivery(Event event) {
    Delivery delivery;
    delivery.event = std::move(event);
    delivery.traceparent = kTrace;
    return delivery;
}

// A service on a store in memory, and the calls it hands over.
struct Fixture {
    std::unique_ptr<MemoryPayments> owned = std::make_unique<MemoryPayments>();
    MemoryPayments& store = *owned;
    prometheus::Registry registry;
    PaymentMetrics metrics{registry};
    std::vector<Call> calls;
    PaymentHandler service{std::move(owned),
                           [this](std::vector<Call> due) {
                               for (Call& call : due) calls.push_back(std::move(call));
                           },
                           metrics};

    BatchOutput handle(std::vector<Event> list) {
        std::vector<Delivery> batch;
        for (Event& event : list) batch.push_back(delivery(std::move(event)));
        BatchOutput out;
        REQUIRE(service.handle(at(2), batch, out));
        service.committed();
        return out;
    }
};

}  // namespace

TEST_CASE("payment: an intent is handed to the gateway only once it is committed") {
    Fixture payment;
    const Story story;
    std::vector<Delivery> batch{delivery(story.reserved())};
    BatchOutput out;

    payment.store.lose_next_save = true;
    REQUIRE_FALSE(payment.service.handle(at(2), batch, out));
    CHECK(payment.calls.empty());
    REQUIRE(payment.service.handle(at(2), batch, out));
    CHECK(payment.calls.empty());
    payment.service.committed();

    REQUIRE(payment.calls.size() == 1);
    CHECK(payment.calls[0].id == story.id);
    CHECK(payment.calls[0].kind == CallKind::charge);
    CHECK(payment.calls[0].amount == kPrice);
    CHECK(payment.calls[0].token == "tok_ok");
    CHECK(out.events.empty());
}

// A commit may have worked without anybody knowing: an open payment's call is asked for again, and
// `Calls` leaves it out if it is under way.
TEST_CASE("payment: handling an event a second time emits nothing and asks for an open call only") {
    Fixture payment;
    const Story story;
    const bool open = GENERATE(true, false);
    const Event event = open ? Event{story.reserved()} : Event{story.cancellation()};
    payment.handle({event});
    const auto rows = payment.store.rows;
    payment.calls.clear();

    const BatchOutput out = payment.handle({event});

    CHECK(out.events.empty());
    CHECK(payment.calls.size() == (open ? 1 : 0));
    CHECK(payment.store.rows == rows);
}

TEST_CASE("payment: an order reserved and cancelled in one batch is cancelled, never charged") {
    Fixture payment;
    const Story story;

    const BatchOutput out = payment.handle({story.reserved(), story.cancellation()});

    CHECK(out.events.empty());
    REQUIRE(payment.calls.size() == 1);
    CHECK(payment.calls[0].kind == CallKind::cancel);
    CHECK(payment.store.state(story.id) == State::CANCELLING);
    CHECK(payment.store.rows.at(story.id).second == 1);
}

TEST_CASE("payment: a cancellation that comes first leaves a tombstone and is answered at once") {
    Fixture payment;
    const Story story;

    const BatchOutput out = payment.handle({story.cancellation(), story.reserved()});

    REQUIRE(out.events.size() == 1);
    CHECK(out.events[0].data == Event{story.nothing(events::Participant::payment)});
    CHECK(out.events[0].traceparent == kTrace);
    CHECK(payment.calls.empty());
    CHECK(payment.store.state(story.id) == State::NEVER_CHARGED);
    const std::string metrics = prometheus::TextSerializer().Serialize(payment.registry.Collect());
    CHECK(metrics.find("orderflow_payments_total{outcome=\"nothing\"} 1") != metrics.npos);
}

TEST_CASE("payment: a capture carries the order and the trace on, in the row's second version") {
    Fixture payment;
    const Story story;
    payment.handle({story.reserved()});

    BatchOutput out;
    const std::vector<GatewayResult> results{result("captured", new_order_id()),
                                             result("captured", story.id)};
    Alarms alarms;
    REQUIRE(apply_results(payment.store, results, at(3), out, alarms));

    REQUIRE(out.events.size() == 1);
    const events::PaymentCaptured captured{story.id, "ch_1", 1500, {}, story.order};
    CHECK(out.events[0].data == Event{captured});
    CHECK(out.events[0].traceparent == kTrace);
    CHECK(payment.store.rows.at(story.id).second == 2);
    CHECK(payment.store.rows.at(story.id).first.charge_id == "ch_1");
}

TEST_CASE("payment: results of one order are folded in their order") {
    Fixture payment;
    const Story story;
    payment.handle({story.reserved()});

    BatchOutput out;
    const std::vector<GatewayResult> results{
        result("unclear", story.id), result("declined", story.id), result("captured", story.id)};
    Alarms alarms;
    REQUIRE(apply_results(payment.store, results, at(3), out, alarms));

    REQUIRE(out.events.size() == 1);
    CHECK(out.events[0].data == Event{story.declined(PaymentRejection::CARD_TOKEN_UNKNOWN)});
    CHECK(payment.store.rows.at(story.id).second == 2);
}
