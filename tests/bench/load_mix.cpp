#include "bench/load_mix.hpp"

#include <array>

namespace orderflow::bench {
namespace {

using enum OrderKind;

constexpr std::array failing{SoldOut,      UnknownProduct, PriceMismatch, Declined,
                             UnknownToken, CarrierRefused, StorageFull,   Cancelled};

constexpr std::uint64_t fails_one_of = 10;
constexpr std::uint64_t late_one_of = 40;
constexpr std::uint64_t late_remainder = 7;  // no failing order has this remainder

}  // namespace

std::string_view name_of(OrderKind kind) {
    switch (kind) {
        case Clean: return "clean";
        case LateCharge: return "late-charge";
        case SoldOut: return "sold-out";
        case UnknownProduct: return "unknown-product";
        case PriceMismatch: return "price-mismatch";
        case Declined: return "declined";
        case UnknownToken: return "unknown-token";
        case CarrierRefused: return "carrier-refused";
        case StorageFull: return "storage-full";
        case Cancelled: return "cancelled";
    }
    return "unknown";
}

OrderKind kind_of(Mix mix, std::uint64_t number) {
    if (mix == Mix::Clean) return Clean;
    if (number % fails_one_of == 0) return failing[number / fails_one_of % failing.size()];
    return number % late_one_of == late_remainder ? LateCharge : Clean;
}

std::optional<std::string_view> line_of(OrderKind kind) {
    if (kind == SoldOut) {
        return R"({"productId":"ITEM-SOLD-OUT","name":"Sold out","price":1500,"quantity":1})";
    }
    if (kind == UnknownProduct) {
        return R"({"productId":"ITEM-UNHEARD-OF","name":"Unknown","price":1500,"quantity":1})";
    }
    return std::nullopt;
}

std::string_view tail_of(OrderKind kind) {
    switch (kind) {
        case LateCharge:
            return R"(],"payment":{"method":"card","token":"tok_charge_then_timeout"}})";
        case Declined: return R"(],"payment":{"method":"card","token":"tok_declined"}})";
        case UnknownToken: return R"(],"payment":{"method":"card","token":"tok_unheard_of"}})";
        case CarrierRefused:
            return R"(],"shipment":{"recipient":"Kim Min-ji","address":{"line1":"1 Pole",)"
                   R"("city":"McMurdo","postalCode":"96599","country":"AQ"}}})";
        case StorageFull: return R"(],"warehouseStorage":true})";
        case Clean:
        case SoldOut:
        case UnknownProduct:
        case PriceMismatch:
        case Cancelled: return "]}";
    }
    return "]}";
}

}  // namespace orderflow::bench
