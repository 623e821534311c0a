#pragma once
// The five services and their names in the catalog. Constants, any thread.
#include <array>
#include <cstdint>
#include <string_view>

namespace orderflow::events {

enum class Service : std::uint8_t { order, payment, inventory, shipping, analytics };

inline constexpr std::array<std::string_view, 5> kServiceNames{
    "order-service", "payment-service", "inventory-service", "shipping-service",
    "analytics-service"};

}  // namespace orderflow::events
