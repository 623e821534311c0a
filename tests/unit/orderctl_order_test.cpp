// `orderctl order` and `orderctl stuck`: an order's way, what it waits for, and what ends that.
#include <catch2/catch_test_macros.hpp>

#include "orderctl/order_report.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {
namespace {

constexpr const char* kT0 = "2026-01-02T03:04:00.000000Z";
constexpr const char* kT1 = "2026-01-02T03:04:01.000000Z";
constexpr const char* kT2 = "2026-01-02T03:04:01.250000Z";
constexpr const char* kT3 = "2026-01-02T03:04:02.000000Z";

OrderReport in_state(const std::string& state) {
    OrderReport order;
    order.id = "ID";
    order.order.emplace();
    order.order->state = state;
    order.order->placed_at = kT0;
    return order;
}

EventView event(const std::string& time, const std::string& service, const std::string& type,
                const std::optional<std::string>& about = {}) {
    EventView view;
    view.time = time;
    view.service = service;
    view.topic = service + "-events";
    view.type = type;
    view.about = about;
    view.relayed = true;
    return view;
}

// A cancelled order that went as far as a refused card.
OrderReport declined() {
    OrderReport order = in_state("CANCELLED");
    order.events = {event(kT0, "order", "OrderPlaced"),
                    event(kT1, "inventory", "StockReserved"),
                    event(kT2, "payment", "PaymentDeclined", "CARD_DECLINED"),
                    event(kT2, "order", "CancellationStarted", "CARD_DECLINED"),
                    event(kT3, "inventory", "StockReleased"),
                    event(kT3, "payment", "NothingToCompensate", "payment"),
                    event(kT3, "shipping", "NothingToCompensate", "shipping"),
                    event(kT3, "order", "OrderCancelled", "CARD_DECLINED")};
    sort_and_link(order.events);
    return order;
}

Wait only(const OrderReport& order, const Surroundings& around = {}) {
    const auto waits = waits_for(order, around);
    REQUIRE(waits.size() == 1);
    return waits[0];
}

std::string line(const StepView& step) {
    const char* marks[] = {"done", "refused", "waiting", "skipped"};
    return std::string(marks[static_cast<int>(step.mark)]) + "|" + step.step + "|" + step.outcome +
           "|" + step.back;
}
std::vector<std::string> lines(const OrderReport& order) {
    std::vector<std::string> out;
    for (const StepView& step : steps_of(order)) out.push_back(line(step));
    return out;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("orderctl order: each compensation stands beside the step that it takes back") {
    CHECK(lines(declined()) ==
          Lines{"done|OrderPlaced||", "done|StockReserved|+1.0 s|StockReleased +750.0 ms",
                "refused|PaymentDeclined|CARD_DECLINED +250.0 ms|nothing to undo +750.0 ms",
                "skipped|ShipmentScheduled|not reached|nothing to undo +750.0 ms",
                "refused|CancellationStarted|CARD_DECLINED +0.0 ms|OrderCancelled +750.0 ms"});
}

TEST_CASE("orderctl order: a cancellation under way waits for whoever has not answered") {
    OrderReport order = declined();
    order.order->state = "CANCELLING";
    order.order->answers = 1;
    order.events.resize(5);
    const auto way = lines(order);
    CHECK(way[1] == "done|StockReserved|+1.0 s|StockReleased +750.0 ms");
    CHECK(way[2] == "refused|PaymentDeclined|CARD_DECLINED +250.0 ms|waiting");
    CHECK(way[4] == "refused|CancellationStarted|CARD_DECLINED +0.0 ms|waiting");
}

TEST_CASE("orderctl order: one step is awaited, the others are still to come") {
    OrderReport order = in_state("PROCESSING");
    order.events = {event(kT0, "order", "OrderPlaced"), event(kT1, "inventory", "StockReserved")};
    CHECK(lines(order) == Lines{"done|OrderPlaced||", "done|StockReserved||",
                                "waiting|PaymentCaptured|waiting|",
                                "skipped|ShipmentScheduled|still to come|",
                                "skipped|OrderCompleted|still to come|"});
    order.events.push_back(event(kT2, "payment", "PaymentCaptured"));
    order.events.push_back(event(kT2, "shipping", "ShipmentScheduled"));
    CHECK(lines(order)[4] == "waiting|OrderCompleted|waiting|");
}

TEST_CASE("orderctl order: events come in time order, compensations name what they undo") {
    std::vector<EventView> events{event(kT3, "payment", "PaymentRefunded"),
                                  event(kT1, "payment", "PaymentCaptured"),
                                  event(kT3, "inventory", "StockReleased")};
    sort_and_link(events);
    CHECK(events[0].type == "PaymentCaptured");
    CHECK_FALSE(events[0].undoes.has_value());
    CHECK_FALSE(events[0].after_us.has_value());
    CHECK(events[1].undoes == "PaymentCaptured");
    CHECK(events[1].after_us == 1'000'000);
    CHECK_FALSE(events[2].undoes.has_value());  // nothing was reserved
    CHECK(events[2].after_us == 0);
}

TEST_CASE("orderctl order: no effect stands before its cause, whatever a clock said") {
    std::vector<EventView> events{
        event(kT0, "order", "OrderCompleted"),  // an hour behind
        event(kT1, "order", "OrderPlaced"),         event(kT3, "inventory", "StockReserved"),
        event(kT2, "payment", "RecordParked"),      event(kT2, "payment", "PaymentCaptured"),
        event(kT3, "shipping", "ShipmentScheduled")};
    sort_and_link(events);
    Lines types;
    for (const EventView& event : events) {
        types.push_back(event.type);
        CHECK(event.after_us.value_or(0) >= 0);
    }
    CHECK(types == Lines{"OrderPlaced", "RecordParked", "StockReserved", "PaymentCaptured",
                         "ShipmentScheduled", "OrderCompleted"});
}

TEST_CASE("orderctl order: who settled a payment by hand is said") {
    ParticipantView row{"SETTLED", {}, "1500 KRW", {}, 4, "REFUNDED", "kim"};
    CHECK(standing_text(row) ==
          "SETTLED, settled as REFUNDED by kim, 1500 KRW, 4 tries without a clear outcome");
    CHECK(standing_text({"REJECTED", "OUT_OF_STOCK", {}, {}, {}, {}, {}}) ==
          "REJECTED OUT_OF_STOCK");
}

TEST_CASE("orderctl stuck: a charge without a clear outcome names its tries and the next") {
    OrderReport order = in_state("PROCESSING");
    order.order->reserved_at = kT1;
    order.payment = ParticipantView{"UNKNOWN", {}, {}, kT2, 2, {}, {}};
    const Wait wait = only(order);
    CHECK(wait.whom == "payment");
    CHECK(wait.since == kT1);
    CHECK(wait.why ==
          "charge UNKNOWN: 2 tries without a clear outcome, next try about "
          "2026-01-02T03:04:02.250000Z");
    CHECK(
        wait.mend.value().starts_with("curl -X POST http://localhost:3000/api/orders/ID/"
                                      "cancellations"));
    Surroundings later;  // the try is under way, or nobody is there to make it
    later.now = parse_rfc3339(kT3).value() + std::chrono::seconds(1);
    CHECK(only(order, later).why ==
          "charge UNKNOWN: 2 tries without a clear outcome, next try due "
          "since 2026-01-02T03:04:02.250000Z");
    order.payment->state = "INTENT";
    CHECK(only(order).why == "the charge is under way");
    CHECK_FALSE(only(order).mend.has_value());
}

TEST_CASE("orderctl stuck: a cancel that the gateway does not answer is the operator's to settle") {
    OrderReport order = in_state("CANCELLING");
    order.order->answers = 5;
    order.order->cancelling_at = kT2;
    order.payment = ParticipantView{"CANCELLING", {}, {}, kT2, 7, {}, {}};
    const Wait wait = only(order);
    CHECK(wait.since == kT2);
    CHECK(wait.why ==
          "the gateway has not answered the cancel clearly: 7 tries, next try about "
          "2026-01-02T03:04:33.250000Z");
    CHECK(wait.mend.value().starts_with("orderctl payment settle ID --as refunded   # or --as "));
}

TEST_CASE("orderctl stuck: each answer that is missing is waited for") {
    OrderReport order = in_state("CANCELLING");
    order.order->answers = 2;
    order.order->cancelling_at = kT3;
    order.inventory = ParticipantView{"RELEASED", {}, {}, {}, {}, {}, {}};
    const auto waits = waits_for(order, {});
    REQUIRE(waits.size() == 2);
    CHECK(waits[0].why ==
          "has answered (RELEASED), but the order service has not received the answer");
    CHECK(waits[1].whom == "shipping");
    CHECK(waits[1].why == "has read all records, but has not received the event");
    CHECK(waits[1].mend == "orderctl republish --order ID");
}

TEST_CASE("orderctl stuck: a service that is behind, or not there, is named") {
    OrderReport order = in_state("PROCESSING");
    Surroundings around;
    around.behind[{"inventory", "order-events"}] = 120;
    CHECK(only(order, around).why ==
          "inventory-service has 120 records of order-events to read before the event");
    around.idle = {"inventory"};
    CHECK(only(order, around).why ==
          "inventory-service is not running: its consumer group has no member");
    around.trouble = "no brokers";
    CHECK(only(order, around).why == "Kafka does not answer: no brokers");
}

TEST_CASE("orderctl stuck: an event that the relay has not confirmed explains the wait once") {
    OrderReport order = in_state("PROCESSING");
    order.events = {event(kT0, "order", "OrderPlaced")};
    order.events[0].seq = 17;
    order.events[0].relayed = false;
    const Wait wait = only(order);
    CHECK(wait.whom == "inventory");
    CHECK(wait.why == "the relay of order-service has not confirmed OrderPlaced (seq 17)");
    CHECK(wait.mend.value().starts_with("orderctl lag"));
    order.events[0].refusal = "Broker: Unknown topic (gone)";
    CHECK(only(order).why ==
          "the relay of order-service has not confirmed OrderPlaced (seq 17): "
          "its topic refuses, Broker: Unknown topic (gone)");
    order.order->state = "CANCELLED";
    CHECK(only(order).whom == "relay");
}

TEST_CASE(
    "orderctl stuck: a record that is put aside explains the wait, a dead one is for an "
    "operator") {
    OrderReport order = in_state("PROCESSING");
    order.parked.push_back({"inventory", 7, "order-events", 2, 30, 1, false, "why", kT1, kT3, {}});
    Wait wait = only(order);
    CHECK(wait.whom == "inventory");
    CHECK(wait.why ==
          "inventory has put record 7 (order-events/2@30) aside, 1 try failed, next at "
          "2026-01-02T03:04:02.000000Z: why");
    CHECK_FALSE(wait.mend.has_value());
    Surroundings later;
    later.now = parse_rfc3339(kT3).value();
    CHECK(only(order, later).why.find("1 try failed, due since 2026-01-02T03:04:02.000000Z: why") !=
          std::string::npos);
    order.parked[0].dead = true;
    order.parked[0].attempts = 6;
    wait = only(order);
    CHECK(wait.whom == "operator");
    CHECK(wait.why == "inventory has given up record 7 (order-events/2@30) after 6 tries: why");
    CHECK(wait.mend ==
          "orderctl records retry 7 --service inventory --reason 'the cause is fixed'");
}

TEST_CASE("orderctl stuck: a record behind another one has no time of its own") {
    OrderReport order = in_state("PROCESSING");
    order.parked.push_back(
        {"inventory", 8, "order-events", 2, 31, 0, false, "behind", kT1, kT3, 7});
    CHECK(only(order).why ==
          "inventory has put record 8 (order-events/2@31) aside, waits behind record 7 of its "
          "order, which is tried again at 2026-01-02T03:04:02.000000Z: behind");
    Surroundings later;
    later.now = parse_rfc3339(kT3).value();
    CHECK(only(order, later).why ==
          "inventory has put record 8 (order-events/2@31) aside, waits behind record 7 of its "
          "order, which is due since 2026-01-02T03:04:02.000000Z: behind");
}

TEST_CASE("orderctl stuck: what an open transaction hides cannot be brought back by sending it") {
    const auto hides = [](const Wait& wait, const std::string& topic) {
        return wait.why == "an open Kafka transaction hides " + topic +
                               "/3 from offset 40 to 41 from every consumer" &&
               wait.mend.value().starts_with("scripts/kafka kafka-transactions abort --topic " +
                                             topic + " --partition 3 --start-offset 40   #");
    };
    Surroundings around;
    around.propose.transactions = "scripts/kafka kafka-transactions";
    around.hidden["inventory-events"] = {3, 40, 42};
    OrderReport order = in_state("PROCESSING");
    CHECK(only(order, around).mend == "orderctl republish --order ID");  // another topic's
    order.order->reserved_at = kT1;  // payment waits for inventory's event
    CHECK(hides(only(order, around), "inventory-events"));
    around.behind_before[{"payment", "inventory-events"}] = 1;  // where it may not be at all
    CHECK(hides(only(order, around), "inventory-events"));
    around.behind[{"payment", "inventory-events"}] = 2;  // which are read first
    CHECK(only(order, around).why.find("2 records of inventory-events") != std::string::npos);

    around.hidden.clear();
    around.behind.clear();
    CHECK(only(order, around).why.find("1 record of inventory-events") != std::string::npos);

    around = Surroundings{around.propose, {}, {}, {}, {}, {}, {{"payment-events", {3, 40, 42}}}};
    order.payment = ParticipantView{"CAPTURED", {}, {}, {}, {}, {}, {}};  // the answer is hidden
    CHECK(hides(only(order, around), "payment-events"));
}

TEST_CASE("orderctl stuck: what is proposed leads to the stack that was asked") {
    Surroundings around;
    around.propose = {"'my bin/orderctl' --stack-env '/tmp/a b/stack.env'",
                      "/src/scripts/up --state '/tmp/a b'", "http://edge:1"};
    const std::string ctl = around.propose.orderctl;
    const auto mend = [&](const OrderReport& order) { return only(order, around).mend.value(); };

    OrderReport order = in_state("PROCESSING");
    CHECK(mend(order) == ctl + " republish --order ID");
    around.behind[{"inventory", "order-events"}] = 1;
    CHECK(mend(order).starts_with(ctl + " lag "));
    around.idle = {"inventory"};
    CHECK(mend(order).starts_with(around.propose.up + " --no-demo "));
    around.trouble = "down";
    CHECK(mend(order).starts_with(around.propose.up + " --no-demo "));
    order.parked.push_back({"inventory", 7, "order-events", 2, 30, 6, true, "why", kT1, {}, {}});
    CHECK(mend(order).starts_with(ctl + " records retry 7 "));
    order.parked.clear();
    order.events = {event(kT0, "order", "OrderPlaced")};
    order.events[0].relayed = false;
    around.trouble.reset();
    CHECK(mend(order).starts_with(ctl + " lag "));
    order = in_state("CANCELLING");
    order.order->answers = 5;
    order.payment = ParticipantView{"CANCELLING", {}, {}, kT2, 7, {}, {}};
    CHECK(mend(order).starts_with(ctl + " payment settle ID --as refunded "));
    order = in_state("PROCESSING");
    order.order->reserved_at = kT1;
    order.payment = ParticipantView{"UNKNOWN", {}, {}, kT2, 2, {}, {}};
    CHECK(mend(order).starts_with("curl -X POST http://edge:1/api/orders/ID/"));
}

TEST_CASE("orderctl proposals: a word is quoted when a shell would take it apart") {
    CHECK(shell_word("/tmp/mine/stack.env") == "/tmp/mine/stack.env");
    CHECK(shell_word("127.0.0.1:19092,b:1") == "127.0.0.1:19092,b:1");
    CHECK(shell_word("") == "''");
    CHECK(shell_word("/tmp/a b") == "'/tmp/a b'");
    CHECK(shell_word("/tmp/$x`y\\\"z") == "'/tmp/$x`y\\\"z'");
    CHECK(shell_word("/tmp/it's") == "'/tmp/it'\\''s'");
    CHECK(shell_word("~/주문") == "'~/주문'");
    CHECK(shell_word("a\tb1") == "$'a\\011b1'");  // a terminal is shown no tabs
    CHECK(shell_word("a\xe2\x80\xae") == "$'a\\342\\200\\256'");
}

TEST_CASE("orderctl stuck: a final order waits for nothing, but its sale may be outstanding") {
    OrderReport order = in_state("COMPLETED");
    order.order->finished_at = kT3;
    order.inventory = ParticipantView{"SOLD", {}, {}, {}, {}, {}, {}};
    CHECK(waits_for(order, {}).empty());
    order.inventory->state = "RESERVED";
    CHECK(only(order).why == "the reservation has not become a sale yet");
    CHECK(waits_for(in_state("CANCELLED"), {}).empty());
}

TEST_CASE("orderctl tables: columns are aligned, the last one is cut where the terminal ends") {
    Table table({{"A"}, {"NUMBER", Align::right}, {"TEXT"}});
    table.add({"ä", "1", "short"});
    table.add({"long", "1000", "a text that does not fit"});
    table.remark("remark");
    CHECK(table.text(0) ==
          "A     NUMBER  TEXT\n"
          "ä          1  short\n"
          "long    1000  a text that does not fit\n"
          "    remark\n");
    CHECK(table.text(32).find("long    1000  a text that does …\n") != std::string::npos);
}

TEST_CASE("orderctl tables: durations have their unit") {
    using std::chrono::microseconds;
    using std::chrono::milliseconds;
    CHECK(duration_text(milliseconds(850)) == "850 ms");
    CHECK(duration_text(milliseconds(12'340)) == "12.3 s");
    CHECK(duration_text(milliseconds(123'000)) == "2 min 3 s");
    CHECK(duration_text(milliseconds(3 * 3'600'000 + 12 * 60'000)) == "3 h 12 min");
    CHECK(duration_text(milliseconds(2 * 86'400'000LL)) == "2 d");
    CHECK(latency_text(microseconds(400)) == "+0.4 ms");
    CHECK(latency_text(microseconds(1'234'567)) == "+1.2 s");
    CHECK(cut("äöü", 2) == "ä…");
}

}  // namespace orderflow::orderctl
