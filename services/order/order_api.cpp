#include "order/order_api.hpp"

#include "core/await_callback.hpp"
#include "core/enums.hpp"
#include "core/trace.hpp"
#include "core/unavailable.hpp"
#include "events/codec.hpp"
#include "events/json.hpp"
#include "http/problem.hpp"
#include "service/problems.hpp"

namespace orderflow::order {

// What clients send and receive, as described structs: the codec's view of the API.
struct OrderRequest {
    std::string customer_id;
    std::vector<events::OrderLine> items;
    std::optional<Currency> currency;
    std::optional<events::PaymentChoice> payment;
    std::optional<events::Destination> shipment;
    std::optional<bool> warehouse_storage;
};
BOOST_DESCRIBE_STRUCT(OrderRequest, (), (customer_id, items, currency, payment, shipment,
                                         warehouse_storage))

struct Accepted {
    OrderId order_id;
    State status = State::PROCESSING;
    std::string message;
    std::string websocket_topic;
};
BOOST_DESCRIBE_STRUCT(Accepted, (), (order_id, status, message, websocket_topic))

struct CancelView {
    OrderId order_id;
    State status = State::CANCELLING;
};
BOOST_DESCRIBE_STRUCT(CancelView, (), (order_id, status))

struct StepView {
    std::string step;     // the event that does it
    std::string service;
    std::string status;   // done, waiting, pending, undone, skipped
    std::optional<Instant> at;
};
BOOST_DESCRIBE_STRUCT(StepView, (), (step, service, status, at))

struct WaitingView {
    std::string service;
    Instant since{};
};
BOOST_DESCRIBE_STRUCT(WaitingView, (), (service, since))

struct OrderView {
    OrderId order_id;
    State status = State::PROCESSING;
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
BOOST_DESCRIBE_STRUCT(OrderView, (), (order_id, status, reason, customer_id, total, currency, items,
                                      shipment, warehouse_storage, steps, waiting_for, placed_at,
                                      cancelling_at, finished_at, shipment_id))

}  // namespace orderflow::order

namespace orderflow::events {
template <>
inline constexpr auto kLimits<order::OrderRequest> =
    std::tuple{length(&order::OrderRequest::customer_id, 1, 64),
               count(&order::OrderRequest::items, 1, kMaxLines)};
}  // namespace orderflow::events

namespace orderflow::order {
namespace {

namespace asio = boost::asio;
using events::Compensation;
using events::Participant;

constexpr char kProcessing[] = "주문 처리 중입니다";

std::string service_name(Participant participant) {
    return std::string(name_of(participant)) + "-service";
}

// A forward step: done, undone, waited for, still to come, or no longer to come. The steps' events
// come by three topics, so a later one may be handled first: then the earlier ones are done as
// well, at a time that nobody here knows.
StepView step(const Saga& saga, const char* name, Participant participant,
              const std::optional<Instant>& at, Compensation undone_by, bool previous_done,
              bool later_done) {
    StepView view{name, service_name(participant), "pending", at};
    if (saga.undone & bit(undone_by)) {
        view.status = "undone";
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

OrderView view_of(const OrderId& id, StoredOrder stored) {
    events::Order order = events::decode_order(stored.body).value();
    const Saga& saga = stored.saga;
    OrderView view;
    view.order_id = id;
    view.status = saga.state;
    view.reason = saga.reason;
    view.customer_id = saga.customer_id;
    view.total = saga.total.amount;
    view.currency = saga.total.currency;
    view.items = std::move(order.items);
    view.shipment = std::move(order.shipment);
    view.warehouse_storage = order.warehouse_storage;
    view.steps = steps(saga);
    for (const Waiting& waiting : waiting_for(saga)) {
        view.waiting_for.push_back({service_name(waiting.participant), waiting.since});
    }
    view.placed_at = saga.placed_at;
    view.cancelling_at = saga.cancelling_at;
    view.finished_at = saga.finished_at;
    view.shipment_id = saga.shipment_id;
    return view;
}

http::Response accepted(const OrderId& id) {
    const std::string text = id.to_string();
    http::Response response;
    response.status = 202;
    response.headers.emplace_back("Location", "/api/orders/" + text);
    response.body = events::to_json(
        Accepted{id, State::PROCESSING, kProcessing, "/topic/order/" + text});
    return response;
}

http::Response no_such_order() {
    return http::problem(404, "not-found", "No such order", "no order has this id");
}

asio::awaitable<http::Response> post_order(AcceptLoop& accept, IdSource& ids,
                                           const ApiSettings& settings, http::Request request) {
    auto order = parse_order(request.body, settings.default_token);
    if (!order) co_return service::bad_input(order.error());
    Placement placement;
    placement.id = ids.next<OrderId>(system_now());
    placement.order = std::move(*order);
    const auto trace = request.header("traceparent");
    if (valid_traceparent(trace)) placement.traceparent = trace;
    const OrderId id = placement.id;
    auto start = [&accept, &placement](std::function<void(bool)> done) {
        placement.done = done;
        if (!accept.submit(std::move(placement))) done(false);
    };
    const bool committed = co_await await_callback<bool>(std::move(start));
    if (!committed) throw Unavailable("the order could not be stored");
    co_return accepted(id);
}

asio::awaitable<http::Response> get_order(postgres::Pool& pool, http::Request request) {
    const auto id = OrderId::parse(request.param("id"));
    if (!id) co_return no_such_order();
    auto find = [id = *id](postgres::Connection& connection) { return find_order(connection, id); };
    auto stored = co_await pool.run(std::move(find));
    if (!stored) co_return no_such_order();
    http::Response response;
    response.body = events::to_json(view_of(*id, std::move(*stored)));
    co_return response;
}

// 202 while it is being undone, 200 once it is, 409 when it is completed: all as committed.
asio::awaitable<http::Response> post_cancellation(CancelLoop& cancel, http::Request request) {
    const auto id = OrderId::parse(request.param("id"));
    if (!id) co_return no_such_order();
    if (!request.body.empty() && request.body != "{}") {
        const Error error{"validation", "a cancellation has no body", ""};
        co_return service::bad_input(error);
    }
    Cancellation cancellation;
    cancellation.id = *id;
    const auto trace = request.header("traceparent");
    if (valid_traceparent(trace)) cancellation.traceparent = trace;
    auto start = [&cancel, &cancellation](std::function<void(CancelOutcome)> done) {
        cancellation.done = done;
        if (!cancel.submit(std::move(cancellation))) done({});
    };
    const CancelOutcome outcome = co_await await_callback<CancelOutcome>(std::move(start));
    if (!outcome.committed) throw Unavailable("the cancellation could not be stored");
    if (!outcome.state) co_return no_such_order();
    if (*outcome.state == State::COMPLETED) {
        co_return http::problem(409, "conflict-state", "Order is completed",
                                "a completed order cannot be cancelled");
    }
    const CancelView view{*id, *outcome.state};
    co_return http::json_response(*outcome.state == State::CANCELLED ? 200 : 202,
                                  events::to_json(view));
}

}  // namespace

Result<events::Order> parse_order(std::string_view body, const std::string& default_token) {
    auto request = events::read_json<OrderRequest>(body, events::UnknownMembers::refuse);
    if (!request) return request.error();
    events::Order order;
    order.customer_id = std::move(request->customer_id);
    order.currency = request->currency.value_or(Currency{});
    order.items = std::move(request->items);
    // Cannot overflow: 100 lines of 100 pieces at 10^12 each.
    for (const auto& line : order.items) order.total += line.price * line.quantity;
    order.payment.token = default_token;
    if (request->payment) order.payment = std::move(*request->payment);
    order.shipment = std::move(request->shipment);
    order.warehouse_storage = request->warehouse_storage.value_or(false);
    return order;
}

http::Router make_router(AcceptLoop& accept, CancelLoop& cancel, postgres::Pool& pool,
                         ApiSettings settings) {
    http::Router router;
    auto ids = std::make_shared<IdSource>();  // io thread only
    router.post("/api/orders", [&accept, ids, settings](http::Request request) {
        return post_order(accept, *ids, settings, std::move(request));
    });
    router.get("/api/orders/{id}", [&pool](http::Request request) {
        return get_order(pool, std::move(request));
    });
    router.post("/api/orders/{id}/cancellations", [&cancel](http::Request request) {
        return post_cancellation(cancel, std::move(request));
    });
    return router;
}

}  // namespace orderflow::order
