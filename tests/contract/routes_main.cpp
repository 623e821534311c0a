// Prints every route of every service, one per line: "order GET /api/orders/{id}". Nothing is
// started: a router only keeps references to what its handlers will use, and none is called.
#include <cstddef>
#include <cstdio>
#include <string_view>
#include <type_traits>

#include "analytics/analytics_api.hpp"
#include "inventory/inventory_api.hpp"
#include "order/order_api.hpp"
#include "payment/payment_api.hpp"
#include "service/host.hpp"
#include "shipping/shipping_api.hpp"

namespace orderflow {
namespace {

// What stands for an argument of make_router: room for an object that is never used, or a value.
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
void print(std::string_view service, http::Router (*make_router)(Arguments...)) {
    http::Router router = make_router(argument<Arguments>()...);
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
    print("order", &order::make_router);
    print("payment", &payment::make_router);
    print("inventory", &inventory::make_router);
    print("shipping", &shipping::make_router);
    print("analytics", &analytics::make_router);
}
