#include "orderctl/order_report.hpp"

#include <algorithm>
#include <string_view>

#include "events/saga_order.hpp"
#include "orderctl/facts.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {
namespace {

// A participant's step of the way forward, its refusal, and the event that takes it back.
struct Step {
    std::string_view service;
    std::string_view done;
    std::string_view refused;
    std::string_view undone;
    std::int64_t answer = 0;  // its bit in the order's row
};
constexpr Step kSteps[] = {
    {"inventory", "StockReserved", "StockRejected", "StockReleased", 1},
    {"payment", "PaymentCaptured", "PaymentDeclined", "PaymentRefunded", 2},
    {"shipping", "ShipmentScheduled", "ShipmentRefused", "ShipmentVoided", 4}};

const EventView* find(const OrderReport& order, std::string_view service, std::string_view type) {
    const auto found = std::ranges::find_if(order.events, [&](const EventView& event) {
        return event.type == type && event.service == service;
    });
    return found == order.events.end() ? nullptr : &*found;
}

// Returns 0 if the clock that gave `from` was ahead.
std::optional<std::chrono::microseconds> between(const std::string& from, const std::string& to) {
    const auto begun = parse_rfc3339(from);
    const auto ended = parse_rfc3339(to);
    if (!begun || !ended) return std::nullopt;
    return std::max(*ended - *begun, std::chrono::microseconds{0});
}

// nullopt for the announcements of parked records, which follow from no event of the saga.
std::optional<events::SagaEvent> saga_event_of(const EventView& event) {
    for (const events::CatalogRow& row : events::catalog()) {
        const std::string_view type = events::type_name(row.kind);
        const bool same = type.substr(0, type.find('.')) == event.type;
        if (same && short_name(row.producer) == event.service) return {{row.kind, row.producer}};
    }
    return std::nullopt;
}

std::string took(const EventView& event) {
    return event.after_us ? latency_text(std::chrono::microseconds(*event.after_us)) : "";
}

// The time since the cancellation began: all answers are answers to it.
std::string since_started(const OrderReport& order, const EventView& event) {
    const auto* started = find(order, "order", "CancellationStarted");
    const auto after = started ? between(started->time, event.time) : std::nullopt;
    return after ? latency_text(*after) : "";
}

std::string joined(const std::string& a, const std::string& b) {
    return a.empty() || b.empty() ? a + b : a + " " + b;
}

// Returns how the compensation of one step went; empty while nothing is compensated.
std::string way_back(const OrderReport& order, const Step& step) {
    if (const auto* undone = find(order, step.service, step.undone)) {
        return joined(std::string(step.undone), since_started(order, *undone));
    }
    if (const auto* nothing = find(order, step.service, "NothingToCompensate")) {
        return joined("nothing to undo", since_started(order, *nothing));
    }
    const bool open = order.order && order.order->state == "CANCELLING" &&
                      (order.order->answers & step.answer) == 0;
    return open ? "waiting" : "";
}

StepView step_of(const OrderReport& order, const Step& step, bool& next) {
    using Mark = StepView::Mark;
    StepView view{Mark::skipped, std::string(step.done), std::string(step.service), "not reached",
                  way_back(order, step)};
    if (const auto* done = find(order, step.service, step.done)) {
        view.mark = Mark::done;
        view.outcome = took(*done);
    } else if (const auto* refused = find(order, step.service, step.refused)) {
        view.mark = Mark::refused;
        view.step = step.refused;
        view.outcome = joined(refused->about.value_or(""), took(*refused));
    } else if (order.order && order.order->state == "PROCESSING") {
        view.mark = next ? Mark::waiting : Mark::skipped;
        view.outcome = next ? "waiting" : "still to come";
        next = false;
    }
    return view;
}

}  // namespace

void sort_and_link(std::vector<EventView>& events) {
    std::ranges::stable_sort(events, {}, &EventView::time);
    const auto announced = std::ranges::stable_partition(
        events, [](const EventView& event) { return saga_event_of(event).has_value(); });
    const std::vector<EventView> others(announced.begin(), announced.end());
    events.erase(announced.begin(), announced.end());
    events::sort_as_caused(
        events, [](const EventView& event) { return *saga_event_of(event); }, &EventView::time);
    for (const EventView& other : others) {
        const auto later = std::ranges::find_if(
            events, [&](const EventView& event) { return event.time > other.time; });
        events.insert(later, other);
    }
    for (std::size_t i = 0; i < events.size(); ++i) {
        EventView& event = events[i];
        for (const Step& step : kSteps) {
            const bool done = std::ranges::any_of(
                events, [&](const EventView& e) { return e.type == step.done; });
            if (event.type == step.undone && done) event.undoes = step.done;
        }
        if (i == 0) continue;
        if (const auto after = between(events[i - 1].time, event.time)) {
            event.after_us = after->count();
        }
    }
}

std::vector<StepView> steps_of(const OrderReport& order) {
    using Mark = StepView::Mark;
    std::vector<StepView> steps;
    const auto* placed = find(order, "order", "OrderPlaced");
    steps.push_back({placed ? Mark::done : Mark::skipped, "OrderPlaced", "order", "", ""});
    bool next = true;  // the order waits for the first step that is missing
    for (const Step& step : kSteps) steps.push_back(step_of(order, step, next));
    const auto* started = find(order, "order", "CancellationStarted");
    if (started) {
        const auto* ended = find(order, "order", "OrderCancelled");
        steps.push_back(
            {Mark::refused, "CancellationStarted", "order",
             joined(started->about.value_or(""), took(*started)),
             ended ? joined("OrderCancelled", since_started(order, *ended)) : "waiting"});
        return steps;
    }
    const auto* completed = find(order, "order", "OrderCompleted");
    const bool open = order.order && order.order->state == "PROCESSING";
    steps.push_back({completed      ? Mark::done
                     : open && next ? Mark::waiting
                                    : Mark::skipped,
                     "OrderCompleted", "order",
                     completed      ? took(*completed)
                     : open && next ? "waiting"
                     : open         ? "still to come"
                                    : "not reached",
                     ""});
    return steps;
}

std::string standing_text(const ParticipantView& row) {
    std::string text = row.state;
    if (row.reason) text += " " + *row.reason;
    if (row.settled_as) {
        text += ", settled as " + *row.settled_as + " by " + row.settled_by.value_or("nobody");
    }
    if (row.detail && !row.detail->empty()) text += ", " + *row.detail;
    if (row.attempts.value_or(0) > 0) {
        text += ", " + std::to_string(*row.attempts) + (*row.attempts == 1 ? " try" : " tries") +
                " without a clear outcome";
    }
    return text;
}

}  // namespace orderflow::orderctl
