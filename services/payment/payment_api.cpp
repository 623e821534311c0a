#include "payment/payment_api.hpp"

#include "json/json.hpp"
#include "http/problem.hpp"
#include "payment/payment_store.hpp"

namespace orderflow::payment {

// The answer, as a described struct: the codec's view of the API.
struct PaymentView {
    OrderId order_id;
    State status = State::INTENT;
    std::optional<std::int64_t> amount;  // absent: cancelled before there was anything to charge
    std::optional<Currency> currency;
    std::optional<std::string> charge_id;
    std::optional<events::PaymentRejection> reason;
    std::optional<std::string> settled_by;
    std::int32_t attempts = 0;
    Instant opened_at{};
    Instant updated_at{};
};
BOOST_DESCRIBE_STRUCT(PaymentView, (),
                      (order_id, status, amount, currency, charge_id, reason, settled_by, attempts,
                       opened_at, updated_at))

namespace {

namespace asio = boost::asio;

PaymentView view_of(const OrderId& id, Payment payment) {
    PaymentView view;
    view.order_id = id;
    view.status = payment.state;
    if (payment.order) {
        view.amount = payment.order->total;
        view.currency = payment.order->currency;
    }
    if (!payment.charge_id.empty()) view.charge_id = std::move(payment.charge_id);
    view.reason = payment.reason;
    if (!payment.settled_by.empty()) view.settled_by = std::move(payment.settled_by);
    view.attempts = payment.attempts;
    view.opened_at = payment.opened_at;
    view.updated_at = payment.touched_at;
    return view;
}

http::Response not_found() {
    return http::problem(404, "not-found", "No such payment",
                         "no order with this id has reached payment");
}

asio::awaitable<http::Response> get_payment(postgres::Pool& pool, http::Request request) {
    const auto id = OrderId::parse(request.param("orderId"));
    if (!id) co_return not_found();
    auto find = [id = *id](postgres::Connection& connection) {
        return find_payment(connection, id);
    };
    auto payment = co_await pool.run(std::move(find));
    if (!payment) co_return not_found();
    co_return http::json_response(200, json::to_json(view_of(*id, std::move(*payment))));
}

}  // namespace

void add_payment_routes(http::Router& router, postgres::Pool& pool) {
    router.get("/api/payments/{orderId}",
               [&pool](http::Request request) { return get_payment(pool, std::move(request)); });
}

}  // namespace orderflow::payment
