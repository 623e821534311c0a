#include "orderctl/facts.hpp"

#include <algorithm>
#include <functional>

namespace orderflow::orderctl {

Digest digest(std::string_view text) {
    return std::max<Digest>(1, std::hash<std::string_view>{}(text));
}

std::string to_text(Wide value) {
    std::string digits;
    for (Wide rest = value < 0 ? -value : value; rest > 0; rest /= 10) {
        digits += static_cast<char>('0' + static_cast<int>(rest % 10));
    }
    if (digits.empty()) digits = "0";
    if (value < 0) digits += '-';
    return {digits.rbegin(), digits.rend()};
}

std::uint32_t Facts::order(const OrderId& id) {
    const auto [at, added] = order_index.try_emplace(id, static_cast<std::uint32_t>(orders.size()));
    if (added) orders.emplace_back().id = id;
    return at->second;
}

std::uint32_t Facts::product(std::string_view id) {
    const auto [at, added] =
        product_index.try_emplace(std::string(id), static_cast<std::uint32_t>(products.size()));
    if (added) products.emplace_back().id = id;
    return at->second;
}

std::uint8_t Facts::topic(std::string_view name) {
    const auto index = std::ranges::find(topics, name, &TopicFacts::name) - topics.begin();
    if (index == std::ssize(topics)) topics.emplace_back().name = name;
    return static_cast<std::uint8_t>(index);
}

std::int64_t Facts::count_orders() const { return std::ranges::count_if(orders, is_order); }
std::int64_t Facts::count_products() const { return std::ranges::count_if(products, is_product); }

bool is_order(const OrderFacts& order) { return order.table.order || order.late; }
bool is_product(const ProductFacts& product) { return product.in_table || product.in_ledger; }

bool Facts::add(const LedgerEvent& event) {
    const auto index = static_cast<std::uint32_t>(events.size());
    events.push_back(event);
    if (event_index.try_emplace(event.id, index).second) return true;
    doubled_ids.push_back(index);
    return false;
}

void Facts::mark_parked() {
    for (const ParkedFact& record : parked) {
        if (record.service == Service::analytics) continue;  // analytics decides nothing
        const auto id = EventId::parse(record.ce_id);
        const auto found = id ? event_index.find(*id) : event_index.end();
        if (found == event_index.end() || events[found->second].order == kNone) continue;
        orders[events[found->second].order].parked |= orderflow::events::bit(record.service);
    }
}

std::optional<Service> producer_of_topic(std::string_view topic) {
    for (const Service service : kServices) {
        if (!events::topic_of(service).empty() && events::topic_of(service) == topic) {
            return service;
        }
    }
    return std::nullopt;
}

std::optional<events::EventKind> kind_of_type(Service producer, std::string_view ce_type) {
    for (const auto& row : events::catalog()) {
        if (row.producer == producer && events::type_name(row.kind) == ce_type) return row.kind;
    }
    return std::nullopt;
}

std::uint8_t consumers_of(Service producer, events::EventKind kind) {
    for (const auto& row : events::catalog()) {
        if (row.producer != producer || row.kind != kind) continue;
        return static_cast<std::uint8_t>(row.consumers & ~events::bit(Service::analytics));
    }
    return 0;
}

std::string_view schema_of(Service service) { return events::names_of(service).schema; }

std::string_view short_name(Service service) {
    const std::string_view name = events::names_of(service).name;  // order-service
    return name.substr(0, name.find('-'));
}

}  // namespace orderflow::orderctl
