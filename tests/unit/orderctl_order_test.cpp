// `orderctl order`: what an order waits for, and what each compensation undoes.
#include <catch2/catch_test_macros.hpp>

#include "orderctl/order_view.hpp"

namespace orderflow::orderctl {
namespace {

OrderView in_state(const std::string& state) {
    OrderView order;
    order.order.emplace();
    order.order->state = state;
    order.order->placed_at = "T0";
    return order;
}

EventView event(const std::string& time, const std::string& type, std::int64_t seq = 1) {
    EventView view;
    view.time = time;
    view.type = type;
    view.seq = seq;
    view.service = "payment";
    view.relayed = true;
    return view;
}

using Waits = std::vector<std::string>;

}  // namespace

TEST_CASE("orderctl order: a processing order waits for the next step") {
    OrderView order = in_state("PROCESSING");
    CHECK(waits_for(order) == Waits{"inventory (has not heard of it) since T0"});
    order.order->reserved_at = "T1";
    order.payment = ParticipantView{"UNKNOWN", {}, "1500 KRW 3 attempts", "T2"};
    CHECK(waits_for(order) == Waits{"payment (UNKNOWN, 1500 KRW 3 attempts) since T1"});
    order.order->captured_at = "T3";
    CHECK(waits_for(order) == Waits{"shipping (has not heard of it) since T3"});
}

TEST_CASE("orderctl order: a cancelled one waits for the answers that are missing") {
    OrderView order = in_state("CANCELLING");
    order.order->answers = 1;
    order.order->cancelling_at = "T5";
    order.payment = ParticipantView{"CANCELLING", {}, {}, {}};
    CHECK(waits_for(order) == Waits{"the answer of payment (CANCELLING) since T5",
                                    "the answer of shipping (has not heard of it) since T5"});
}

TEST_CASE("orderctl order: a final order waits for nothing, but its sale may be outstanding") {
    OrderView order = in_state("COMPLETED");
    order.order->finished_at = "T9";
    order.inventory = ParticipantView{"SOLD", {}, {}, {}};
    CHECK(waits_for(order).empty());
    order.inventory->state = "RESERVED";
    CHECK(waits_for(order) == Waits{"inventory to turn the reservation into a sale since T9"});
    CHECK(waits_for(in_state("CANCELLED")).empty());
}

TEST_CASE("orderctl order: parked and dead records and a relay that is behind are named") {
    OrderView order = in_state("COMPLETED");
    order.parked.push_back({"inventory", 7, "order-events", 2, 30, 1, false, "why", "T1", "T4"});
    order.parked.push_back({"payment", 8, "order-events", 2, 31, 5, true, "broken", "T1", {}});
    order.events = {event("T1", "PaymentCaptured")};
    order.events.front().relayed = false;
    CHECK(waits_for(order) ==
          Waits{"parked record order-events/2@30 at inventory, next try T4",
                "an operator: dead record order-events/2@31 at payment: broken",
                "the relay of payment: PaymentCaptured seq 1 is not confirmed yet"});
}

TEST_CASE("orderctl order: events come in time order, compensations name what they undo") {
    std::vector<EventView> events{event("T3", "PaymentRefunded", 2), event("T1", "PaymentCaptured"),
                                  event("T3", "StockReleased", 3)};
    sort_and_link(events);
    CHECK(events[0].type == "PaymentCaptured");
    CHECK_FALSE(events[0].undoes.has_value());
    CHECK(events[1].undoes == "PaymentCaptured");
    CHECK_FALSE(events[2].undoes.has_value());  // nothing was reserved
}

}  // namespace orderflow::orderctl
