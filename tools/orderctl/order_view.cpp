#include "orderctl/order_view.hpp"

#include <algorithm>
#include <string_view>

namespace orderflow::orderctl {
namespace {

struct Compensation {
    std::string_view type;
    std::string_view undoes;
};
constexpr Compensation kCompensations[] = {{"StockReleased", "StockReserved"},
                                           {"PaymentRefunded", "PaymentCaptured"},
                                           {"ShipmentVoided", "ShipmentScheduled"}};

struct Participant {
    const char* name;
    std::int64_t bit;
    std::optional<ParticipantView> OrderView::*row;
};
constexpr Participant kParticipants[] = {{"inventory", 1, &OrderView::inventory},
                                         {"payment", 2, &OrderView::payment},
                                         {"shipping", 4, &OrderView::shipping}};

// Where the participant itself stands: "payment (UNKNOWN, 1500 KRW 3 attempts)".
std::string standing(const Participant& participant, const OrderView& order) {
    const auto& row = order.*participant.row;
    if (!row) return std::string(participant.name) + " (has not heard of it)";
    std::string text = std::string(participant.name) + " (" + row->state;
    if (row->detail && !row->detail->empty()) text += ", " + *row->detail;
    return text + ")";
}

std::vector<std::string> waits_of_saga(const OrderView& order) {
    const SagaView& saga = *order.order;
    std::vector<std::string> waits;
    if (saga.state == "PROCESSING") {
        const std::size_t who = saga.captured_at ? 2 : saga.reserved_at ? 1 : 0;
        const std::string since = saga.captured_at   ? *saga.captured_at
                                  : saga.reserved_at ? *saga.reserved_at
                                                     : saga.placed_at;
        waits.push_back(standing(kParticipants[who], order) + " since " + since);
    }
    if (saga.state == "CANCELLING") {
        for (const Participant& participant : kParticipants) {
            if (saga.answers & participant.bit) continue;
            waits.push_back("the answer of " + standing(participant, order) + " since " +
                            saga.cancelling_at.value_or(saga.placed_at));
        }
    }
    if (saga.state == "COMPLETED" && order.inventory && order.inventory->state == "RESERVED") {
        waits.push_back("inventory to turn the reservation into a sale since " +
                        saga.finished_at.value_or(saga.placed_at));
    }
    return waits;
}

}  // namespace

void sort_and_link(std::vector<EventView>& events) {
    // Clocks of two databases may differ, so only the order within a service is certain; the sort
    // is stable and each service's rows come in seq order.
    std::ranges::stable_sort(events, {}, &EventView::time);
    for (EventView& event : events) {
        for (const auto& [type, undoes] : kCompensations) {
            const bool done = std::ranges::any_of(events, [&, name = undoes](const EventView& e) {
                return e.type == name;
            });
            if (event.type == type && done) event.undoes = undoes;
        }
    }
}

std::vector<std::string> waits_for(const OrderView& order) {
    std::vector<std::string> waits;
    if (order.order) waits = waits_of_saga(order);
    for (const ParkedRowView& parked : order.parked) {
        const std::string what = "record " + parked.topic + "/" + std::to_string(parked.partition) +
                                 "@" + std::to_string(parked.offset) + " at " + parked.service;
        if (parked.dead) {
            waits.push_back("an operator: dead " + what + ": " + parked.error);
        } else {
            waits.push_back("parked " + what + ", next try " + parked.due_at.value_or("unknown"));
        }
    }
    for (const EventView& event : order.events) {
        if (event.relayed) continue;
        waits.push_back("the relay of " + event.service + ": " + event.type + " seq " +
                        std::to_string(event.seq) + " is not confirmed yet");
    }
    return waits;
}

}  // namespace orderflow::orderctl
