#pragma once
// The fold: what the tables must hold if the ledgers are true. Each service's own decisions follow
// from its own outbox, read in the same snapshot as its tables, so they are compared at any time;
// what follows from others' events (reserved → sold, the order's steps and answers) is folded
// from the ledgers of the services it consumes, once their records have arrived. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "orderctl/facts.hpp"

namespace orderflow::orderctl {

// A row of an outbox, as views.
struct LedgerLine {
    std::int64_t seq = 0;
    EventId id;
    std::optional<OrderId> order;
    std::string_view topic;
    std::optional<std::string_view> key;
    std::string_view type;
    std::string_view data;
    Instant recorded_at{};
};

// Takes the next row of the service's ledger: into the list of events, and into the row that the
// ledger says. Rows come in seq order, the order service's ledger first.
void fold(Facts& facts, Service service, const LedgerLine& line);

// The order block's digest and, the first time, its items into facts.items.
Digest take_order_block(Facts& facts, OrderFacts& order, const events::Order& block);

// The events of each order, in seq order per service; made once the ledgers are read.
class EventsOfOrders {
public:
    explicit EventsOfOrders(const Facts& facts);
    // Indices into facts.events.
    std::span<const std::uint32_t> of(std::uint32_t order) const {
        return {events_.data() + begin_[order], events_.data() + begin_[order + 1]};
    }

private:
    std::vector<std::uint32_t> begin_;
    std::vector<std::uint32_t> events_;
};

// Everything that differs. Rows of an order that a service holds a parked record of are compared
// with its own ledger only.
std::vector<Difference> compare(const Facts& facts, const EventsOfOrders& events);

}  // namespace orderflow::orderctl
