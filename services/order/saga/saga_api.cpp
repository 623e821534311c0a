#include "order/saga/saga_api.hpp"

#include <charconv>

#include "core/enums.hpp"
#include "core/unavailable.hpp"
#include "events/codec.hpp"
#include "json/json.hpp"
#include "http/conditions.hpp"
#include "http/problem.hpp"
#include "order/notices/notices.hpp"
#include "order/saga/order_view.hpp"
#include "service/problems.hpp"
#include "service/requests.hpp"

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
BOOST_DESCRIBE_STRUCT(OrderRequest, (),
                      (customer_id, items, currency, payment, shipment, warehouse_storage))

struct Accepted {
    OrderId order_id;
    State status = State::PROCESSING;
    std::string message;
    std::string websocket_topic;
};
BOOST_DESCRIBE_STRUCT(Accepted, (), (order_id, status, message, websocket_topic))

struct NoMembers {};
BOOST_DESCRIBE_STRUCT(NoMembers, (), ())

struct CancelView {
    OrderId order_id;
    State status = State::CANCELLING;
};
BOOST_DESCRIBE_STRUCT(CancelView, (), (order_id, status))

}  // namespace orderflow::order

namespace orderflow::json {
template <>
inline constexpr auto kLimits<order::OrderRequest> =
    std::tuple{length(&order::OrderRequest::customer_id, 1, 64),
               count(&order::OrderRequest::items, 1, events::kMaxLines)};
}  // namespace orderflow::json

namespace orderflow::order {
namespace {

namespace asio = boost::asio;

constexpr char kProcessing[] = "주문 처리 중입니다";

http::Response accepted(const OrderId& id) {
    const std::string text = id.to_string();
    http::Response response;
    response.status = 202;
    response.headers.emplace_back("Location", "/api/orders/" + text);
    response.body = json::to_json(Accepted{id, State::PROCESSING, kProcessing, topic_of(id)});
    return response;
}

http::Response no_such_order() {
    return http::problem(404, "not-found", "No such order", "no order has this id");
}

std::optional<Error> conditional(const http::Request& request) {
    return http::unusable(request, http::kConditions,
                          "is not supported for orders: they have no ETag, and an Idempotency-Key "
                          "makes the request repeatable");
}

asio::awaitable<http::Response> post_order(AcceptLoop& accept, const ApiSettings& settings,
                                           http::Request request) {
    auto key = service::idempotency_key(request);
    if (!key) co_return service::bad_input(key.error());
    if (const auto condition = conditional(request)) co_return service::bad_input(*condition);
    auto order = parse_order(request.body);
    if (!order) co_return service::bad_input(order.error());
    Placement placement;
    placement.order = std::move(*order);
    placement.default_payment = placement.order.payment.token.empty();
    if (placement.default_payment) placement.order.payment.token = settings.default_token;
    placement.traceparent = std::move(request.traceparent);
    placement.key = std::move(*key);
    const auto answer = co_await accept.run(std::move(placement));
    if (auto refused = service::refusal(answer.fate)) co_return std::move(*refused);
    co_return accepted(answer.outcome);
}

Result<OrderFilter> parse_filter(const http::Request& request) {
    const auto query = request.query_params({"customerId", "status", "limit", "cursor"});
    if (!query) return query.error();
    OrderFilter filter;
    filter.before.bytes.fill(0xff);
    for (const auto& [name, value] : *query) {
        if (name == "customerId") {
            if (value.empty() || json::code_points(value) > 64) {
                return Error{"query", "customerId: 1 to 64 characters"};
            }
            filter.customer_id = value;
        } else if (name == "status") {
            State state{};
            if (!boost::describe::enum_from_string(value.c_str(), state)) {
                return Error{"query", "status: PROCESSING, COMPLETED, CANCELLING or CANCELLED"};
            }
            filter.state = state;
        } else if (name == "limit") {
            const char* end = value.data() + value.size();
            const auto [rest, error] = std::from_chars(value.data(), end, filter.limit);
            if (error != std::errc() || rest != end || filter.limit < 1 || filter.limit > 100) {
                return Error{"query", "limit: 1 to 100"};
            }
        } else {
            const auto before = OrderId::parse(value);
            if (!before) return Error{"query", "cursor: the nextCursor of the previous page"};
            filter.before = *before;
        }
    }
    return filter;
}

asio::awaitable<http::Response> get_orders(postgres::Pool& pool, http::Request request) {
    auto filter = parse_filter(request);
    if (!filter) co_return service::bad_input(filter.error());
    auto list = [filter = std::move(*filter)](postgres::Connection& connection) {
        return list_orders(connection, filter);
    };
    const OrderPage page = co_await pool.run(std::move(list));
    http::Response response;
    response.body = to_json(page);
    co_return response;
}

asio::awaitable<http::Response> get_order(postgres::Pool& pool, http::Request request) {
    const auto id = OrderId::parse(request.param("id"));
    if (!id) co_return no_such_order();
    auto find = [id = *id](postgres::Connection& connection) { return find_order(connection, id); };
    auto stored = co_await pool.run(std::move(find));
    if (!stored) co_return no_such_order();
    http::Response response;
    response.body = to_json(*id, *stored);
    co_return response;
}

// 202 while the order is being undone, 200 once it is, 409 if it is completed: always after the
// commit.
asio::awaitable<http::Response> post_cancellation(CancelLoop& cancel, http::Request request) {
    const auto id = OrderId::parse(request.param("id"));
    if (!id) co_return no_such_order();
    auto key = service::idempotency_key(request);
    if (!key) co_return service::bad_input(key.error());
    if (const auto condition = conditional(request)) co_return service::bad_input(*condition);
    if (!request.body.empty()) {  // then it must be an object without members, in any notation
        const auto body = json::read_request<NoMembers>(request.body);
        if (!body) co_return service::bad_input(body.error());
    }
    Cancellation cancellation;
    cancellation.id = *id;
    cancellation.traceparent = std::move(request.traceparent);
    cancellation.key = std::move(*key);
    const auto answer = co_await cancel.run(std::move(cancellation));
    if (auto refused = service::refusal(answer.fate)) co_return std::move(*refused);
    const std::optional<State>& state = answer.outcome;
    if (!state) co_return no_such_order();
    if (*state == State::COMPLETED) {
        co_return http::problem(409, "conflict-state", "Order is completed",
                                "a completed order cannot be cancelled");
    }
    const CancelView view{*id, *state};
    co_return http::json_response(*state == State::CANCELLED ? 200 : 202, json::to_json(view));
}

}  // namespace

Validated<events::Order> parse_order(std::string_view body) {
    if (body.empty()) return Faults{{"body-required", "an order is expected"}};
    auto request = json::read_request<OrderRequest>(body);
    if (!request) return request.error();
    events::Order order;
    order.customer_id = std::move(request->customer_id);
    order.currency = request->currency.value_or(Currency{});
    order.items = std::move(request->items);
    // Cannot overflow: 100 lines of 100 pieces at 10^12 each.
    for (const auto& line : order.items) order.total += line.price * line.quantity;
    if (order.total == 0) {  // gateways refuse to charge nothing
        return Faults{{"validation", "nothing to pay: the total must be at least 1", "/items"}};
    }
    if (request->payment) order.payment = std::move(*request->payment);
    order.shipment = std::move(request->shipment);
    order.warehouse_storage = request->warehouse_storage.value_or(false);
    return order;
}

void add_order_routes(http::Router& router, AcceptLoop& accept, CancelLoop& cancel,
                      postgres::Pool& pool, ApiSettings settings) {
    router.post("/api/orders", [&accept, settings](http::Request request) {
        return post_order(accept, settings, std::move(request));
    });
    router.get("/api/orders",
               [&pool](http::Request request) { return get_orders(pool, std::move(request)); });
    router.get("/api/orders/{id}",
               [&pool](http::Request request) { return get_order(pool, std::move(request)); });
    router.post("/api/orders/{id}/cancellations", [&cancel](http::Request request) {
        return post_cancellation(cancel, std::move(request));
    });
}

}  // namespace orderflow::order
