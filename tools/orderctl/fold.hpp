#pragma once
// The fold: the rows that the tables must contain if the ledgers are correct. A service's own
// decisions follow from its own outbox, which was read in the same snapshot as its tables: so they
// are compared at any time. The effects of other services' events (reserved → sold, the order's
// steps and answers) are folded from the ledgers of the services that it consumes, once their
// records have arrived. Pure.
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

// Takes the next row of the service's ledger: adds it to the list of events, and applies it to the
// row that is folded from the ledger. Rows must come in seq order, the order service's ledger
// first.
void fold(Facts& facts, Service service, const LedgerLine& line);

// Returns the order block's digest and, the first time, adds its items to facts.items.
Digest take_order_block(Facts& facts, OrderFacts& order, const events::Order& block);

// The events of each order, in seq order per service; create it once the ledgers are read.
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

// Returns all differences. If a service has a parked record of an order, its rows of the order are
// compared with its own ledger only.
std::vector<Difference> compare(const Facts& facts, const EventsOfOrders& events);

}  // namespace orderflow::orderctl
