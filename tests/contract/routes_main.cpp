// Prints every route of every service, one per line: "order GET /api/orders/{id}". Nothing is
// started: a router only keeps references to what its handlers will use, and none is called.
#include <cstddef>
#include <cstdio>
#include <string_view>
#include <type_traits>

#include "analytics/kafka_page/kafka_page_api.hpp"
#include "analytics/pages/pages_api.hpp"
#include "analytics/timeline/timeline_api.hpp"
#include "inventory/inventory_api.hpp"
#include "order/notices/notices_api.hpp"
#include "order/saga/saga_api.hpp"
#include "payment/payment_api.hpp"
#include "service/host.hpp"
#include "shipping/shipping_api.hpp"

namespace orderflow {
namespace {

// What stands for an argument of a function that adds routes: room for an object that is never
// used, or a value.
template <class T>
T argument() {
    if constexpr (std::is_reference_v<T>) {
        alignas(std::max_align_t) static std::byte room[64 * 1024];
        return reinterpret_cast<T>(room);
    } else {
        return T{};
    }
}

template <class... Arguments>
void add(http::Router& router, void (*add_routes)(http::Router&, Arguments...)) {
    add_routes(router, argument<Arguments>()...);
}

template <class... AddRoutes>
void print(std::string_view service, AddRoutes... add_routes) {
    http::Router router;
    (add(router, add_routes), ...);
    argument<service::Host&>().add_probes(router);
    for (const http::Route* route : router.routes()) {
        std::printf("%.*s %s %s\n", static_cast<int>(service.size()), service.data(),
                    route->method.c_str(), route->pattern.c_str());
    }
}

}  // namespace
}  // namespace orderflow

int main() {
    using namespace orderflow;
    print("order", &order::add_order_routes, &order::add_notice_routes);
    print("payment", &payment::add_payment_routes);
    print("inventory", &inventory::add_product_routes);
    print("shipping", &shipping::add_shipment_routes);
    print("analytics", &analytics::add_timeline_routes, &analytics::add_kafka_page_routes,
          &analytics::add_page_routes);
}
