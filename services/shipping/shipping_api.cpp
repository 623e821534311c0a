#include "shipping/shipping_api.hpp"

#include "json/json.hpp"
#include "http/problem.hpp"
#include "shipping/shipping_store.hpp"

namespace orderflow::shipping {

// The answer, as a described struct: the codec's view of the API.
struct ShipmentView {
    OrderId order_id;
    State status = State::CANCELLED;
    std::optional<ShipmentId> shipment_id;
    std::optional<std::string> tracking_number;
    std::optional<events::Destination> destination;
    bool storage_booked = false;
    std::optional<events::ShipmentRejection> reason;
    std::optional<Instant> scheduled_at;
    std::optional<Instant> voided_at;
};
BOOST_DESCRIBE_STRUCT(ShipmentView, (),
                      (order_id, status, shipment_id, tracking_number, destination, storage_booked,
                       reason, scheduled_at, voided_at))

namespace {

namespace asio = boost::asio;

ShipmentView view_of(const OrderId& id, Shipment shipment) {
    return {id,
            shipment.state,
            shipment.shipment_id,
            std::move(shipment.tracking_number),
            std::move(shipment.destination),
            shipment.storage_booked,
            shipment.reason,
            shipment.scheduled_at,
            shipment.voided_at};
}

http::Response not_found() {
    return http::problem(404, "not-found", "No such shipment",
                         "no order with this id has reached shipping");
}

asio::awaitable<http::Response> get_shipment(postgres::Pool& pool, http::Request request) {
    const auto id = OrderId::parse(request.param("orderId"));
    if (!id) co_return not_found();
    auto find = [id = *id](postgres::Connection& connection) {
        return find_shipment(connection, id);
    };
    auto shipment = co_await pool.run(std::move(find));
    if (!shipment) co_return not_found();
    co_return http::json_response(200, json::to_json(view_of(*id, std::move(*shipment))));
}

}  // namespace

void add_shipment_routes(http::Router& router, postgres::Pool& pool) {
    router.get("/api/shipments/{orderId}",
               [&pool](http::Request request) { return get_shipment(pool, std::move(request)); });
}

}  // namespace orderflow::shipping
