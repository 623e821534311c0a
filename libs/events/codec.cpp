#include "events/codec.hpp"

#include <utility>

#include "json/json.hpp"

namespace orderflow::events {
namespace {

template <class T>
Result<Event> decode_as(std::string_view json) {
    auto value = json::read_json<T>(json, json::UnknownMembers::ignore);
    if (!value) return value.error();
    return Event{std::move(*value)};
}

using Decoder = Result<Event> (*)(std::string_view);

template <std::size_t... I>
constexpr std::array<Decoder, kEventKinds> make_decoders(std::index_sequence<I...>) {
    return {&decode_as<std::variant_alternative_t<I, Event>>...};
}
constexpr auto kDecoders = make_decoders(std::make_index_sequence<kEventKinds>{});

}  // namespace

void encode(const Event& event, std::string& out) {
    std::visit([&](const auto& data) { json::write_json(data, out); }, event);
}

Result<Event> decode(EventKind kind, std::string_view json) {
    return kDecoders[static_cast<std::size_t>(kind)](json);
}

void encode(const Order& order, std::string& out) { json::write_json(order, out); }

Result<Order> decode_order(std::string_view json) {
    return json::read_json<Order>(json, json::UnknownMembers::ignore);
}

std::string place_and_detail(const Error& error) {
    return error.pointer.empty() ? error.detail : error.pointer + " " + error.detail;
}

std::optional<std::string> key_of(const Event& event) {
    return std::visit(
        []<class E>(const E& data) -> std::optional<std::string> {
            constexpr KeyRule kRule = key_rule_of(kind_of<E>());
            if constexpr (kRule == KeyRule::order_id) return data.order_id.to_string();
            if constexpr (kRule == KeyRule::product_id) return data.product_id;
            return std::nullopt;
        },
        event);
}

const OrderId* order_of(const Event& event) {
    return std::visit(
        [](const auto& data) -> const OrderId* {
            if constexpr (requires { data.order_id; }) {
                return &data.order_id;
            } else {
                return nullptr;
            }
        },
        event);
}

}  // namespace orderflow::events
