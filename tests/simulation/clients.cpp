#include "simulation/clients.hpp"

namespace orderflow::simulation {
namespace {

const std::vector<std::string> kProducts{"LAMP", "MUG", "SOFA"};
const std::vector<std::string> kTokens{
    "tok_ok",          "tok_ok",       "tok_ok",          "tok_ok",
    "tok_declined",    "tok_slow_60s", "tok_500_then_ok", "tok_charge_then_timeout",
    "tok_nobody_knows"};

// How often a client makes a request when a process looks for requests.
constexpr int kPlacePercent = 15;
constexpr int kCancelPercent = 1;
constexpr int kSettlePercent = 10;

}  // namespace

Clients::Clients(World& world, const InventoryDatabase& inventory)
    : world_(world),
      inventory_(inventory),
      left_(static_cast<std::size_t>(world.random.between(8, 20))) {}

events::Order Clients::an_order() {
    Random& random = world_.random;
    events::Order order;
    order.customer_id = "CUST-" + std::to_string(random.below(4));
    const std::size_t lines = 1 + random.below(2);
    for (std::size_t i = 0; i < lines; ++i) {
        const std::string& id = random.one_of(kProducts);
        std::int64_t price = inventory_.products.at(id).price.amount;
        if (random.percent(3)) ++price;
        order.items.push_back(
            {random.percent(2) ? "NO-SUCH" : id, id, price, random.between(1, 2)});
        order.total += price * order.items.back().quantity;
    }
    order.payment.token = random.one_of(kTokens);
    if (random.percent(70)) {
        const std::string country = random.percent(85) ? "KR" : "AQ";
        order.shipment = events::Destination{"Kim", {"1 Road", "Seoul", "04524", country}};
    }
    order.warehouse_storage = random.percent(40);
    return order;
}

std::vector<order::Placement> Clients::placements() {
    std::vector<order::Placement> placements;
    if (left_ == 0 || !world_.random.percent(kPlacePercent)) return placements;
    for (std::size_t n = 1 + world_.random.below(3); n > 0 && left_ > 0; --n, --left_) {
        order::Placement& placement = placements.emplace_back();
        placement.id = world_.ids.next<OrderId>(world_.now);
        placement.order = an_order();
        world_.trace.name(placement.id);
    }
    return placements;
}

void Clients::accepted(const std::vector<order::Placement>& placements) {
    for (const order::Placement& placement : placements) accepted_.insert(placement.id);
}

std::vector<order::Cancellation> Clients::cancellations() {
    std::vector<order::Cancellation> cancellations;
    if (stopped_ || accepted_.empty() || !world_.random.percent(kCancelPercent)) {
        return cancellations;
    }
    const auto nth = static_cast<std::ptrdiff_t>(world_.random.below(accepted_.size()));
    order::Cancellation& cancellation = cancellations.emplace_back();
    cancellation.id = *std::next(accepted_.begin(), nth);
    return cancellations;
}

std::optional<Clients::Settlement> Clients::settlement(const PaymentDatabase& payments,
                                                       const GatewayLedger& gateway) {
    if (stopped_ || !world_.random.percent(kSettlePercent)) return std::nullopt;
    std::vector<OrderId> cancelling;
    for (const auto& [id, stored] : payments.payments.rows()) {
        if (stored.row.state == payment::State::CANCELLING) cancelling.push_back(id);
    }
    if (cancelling.empty()) return std::nullopt;
    const OrderId& id = world_.random.one_of(cancelling);
    const Charge* charge = gateway.find(id);
    const bool captured = charge && charge->captures > 0;
    const bool truthful = world_.random.percent(60);
    return Settlement{id, captured == truthful ? payment::Settlement::REFUNDED
                                               : payment::Settlement::NEVER_CHARGED};
}

}  // namespace orderflow::simulation
