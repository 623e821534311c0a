#include "order/saga/order_view.hpp"

#include "core/enums.hpp"
#include "events/codec.hpp"
#include "json/json.hpp"
#include "order/notices/notices.hpp"

namespace orderflow::order {

struct StepView {
    std::string step;  // the event that does it
    std::string service;
    std::string status;  // done, waiting, pending, undone, skipped
    std::optional<Instant> at;
    std::optional<Instant> undone_at;
};
BOOST_DESCRIBE_STRUCT(StepView, (), (step, service, status, at, undone_at))

struct WaitingView {
    std::string service;
    Instant since{};
};
BOOST_DESCRIBE_STRUCT(WaitingView, (), (service, since))

struct OrderView {
    OrderId order_id;
    State status = State::PROCESSING;
    std::int64_t seq = 0;  // of the notification about the same step
    std::string epoch;
    std::optional<events::Reason> reason;
    std::string customer_id;
    std::int64_t total = 0;
    Currency currency;
    std::vector<events::OrderLine> items;
    std::optional<events::Destination> shipment;
    bool warehouse_storage = false;
    std::vector<StepView> steps;
    std::vector<WaitingView> waiting_for;
    Instant placed_at{};
    std::optional<Instant> cancelling_at;
    std::optional<Instant> finished_at;
    std::optional<ShipmentId> shipment_id;
};
BOOST_DESCRIBE_STRUCT(OrderView, (),
                      (order_id, status, seq, epoch, reason, customer_id, total, currency, items,
                       shipment, warehouse_storage, steps, waiting_for, placed_at, cancelling_at,
                       finished_at, shipment_id))

struct SummaryView {
    OrderId order_id;
    State status = State::PROCESSING;
    std::optional<events::Reason> reason;
    std::string customer_id;
    std::int64_t total = 0;
    Currency currency;
    Instant placed_at{};
    std::optional<Instant> finished_at;
};
BOOST_DESCRIBE_STRUCT(SummaryView, (),
                      (order_id, status, reason, customer_id, total, currency, placed_at,
                       finished_at))

struct ListView {
    std::vector<SummaryView> orders;
    std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(ListView, (), (orders, next_cursor))

namespace {

using events::Compensation;
using events::Participant;

std::string service_name(Participant participant) {
    return std::string(name_of(participant)) + "-service";
}

// The state of a forward step: done, undone, awaited, still to come, or no longer to come. If a
// completed order's row was lost and recreated, the times of its steps are unknown here.
StepView step(const Saga& saga, const char* name, Participant participant,
              const std::optional<Instant>& at, Compensation undone_by, bool previous_done,
              bool later_done) {
    StepView view{name, service_name(participant), "pending", at, std::nullopt};
    if (saga.undone & bit(undone_by)) {
        view.status = "undone";
        view.undone_at = saga.answered_at.at(static_cast<std::size_t>(participant));
    } else if (at || later_done) {
        view.status = "done";
    } else if (saga.state == State::PROCESSING) {
        view.status = previous_done ? "waiting" : "pending";
    } else {
        view.status = "skipped";
    }
    return view;
}

std::vector<StepView> steps(const Saga& saga) {
    const bool completed = saga.state == State::COMPLETED;
    const bool captured = saga.captured_at || completed;
    const auto shipped_at = completed ? saga.finished_at : std::nullopt;
    return {step(saga, "StockReserved", Participant::inventory, saga.reserved_at,
                 Compensation::StockReleased, true, captured),
            step(saga, "PaymentCaptured", Participant::payment, saga.captured_at,
                 Compensation::PaymentRefunded, saga.reserved_at.has_value(), completed),
            step(saga, "ShipmentScheduled", Participant::shipping, shipped_at,
                 Compensation::ShipmentVoided, saga.captured_at.has_value(), false)};
}

}  // namespace

std::string to_json(const OrderId& id, const StoredOrder& stored) {
    events::Order order = events::decode_order(stored.body).value();
    const Saga& saga = stored.saga;
    OrderView view;
    view.order_id = id;
    view.status = saga.state;
    view.seq = std::ssize(history(saga));
    view.epoch = epoch_of(saga);
    view.reason = saga.reason;
    view.customer_id = saga.customer_id;
    view.total = saga.total.amount;
    view.currency = saga.total.currency;
    view.items = std::move(order.items);
    view.shipment = std::move(order.shipment);
    view.warehouse_storage = order.warehouse_storage;
    view.steps = steps(saga);
    for (const AwaitedAnswer& awaited : awaited_answers(saga)) {
        view.waiting_for.push_back({service_name(awaited.participant), awaited.since});
    }
    view.placed_at = saga.placed_at;
    view.cancelling_at = saga.cancelling_at;
    view.finished_at = saga.finished_at;
    view.shipment_id = saga.shipment_id;
    return json::to_json(view);
}

std::string to_json(const OrderPage& page) {
    ListView view;
    for (const OrderSummary& order : page.orders) {
        view.orders.push_back({order.id, order.state, order.reason, order.customer_id,
                               order.total.amount, order.total.currency, order.placed_at,
                               order.finished_at});
    }
    if (page.next) view.next_cursor = page.next->to_string();
    return json::to_json(view);
}

}  // namespace orderflow::order
