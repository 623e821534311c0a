#pragma once
// The users of the shop in a run: customers who place and cancel orders, and an operator who
// settles payments in place of the gateway, correctly or not. All of them stop when the run heals.
// One thread.
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "order/saga/saga_commands.hpp"
#include "payment/payment.hpp"
#include "simulation/gateway.hpp"
#include "simulation/stores.hpp"

namespace orderflow::simulation {

class Clients {
public:
    Clients(World& world, const InventoryDatabase& inventory);

    // The requests that clients make now; may be empty.
    std::vector<order::Placement> placements();
    std::vector<order::Cancellation> cancellations();

    struct Settlement {
        OrderId id;
        payment::Settlement as{};
    };
    std::optional<Settlement> settlement(const PaymentDatabase& payments,
                                         const GatewayLedger& gateway);

    events::Order an_order();

    // The customers have received 202 for these orders.
    void accepted(const std::vector<order::Placement>& placements);
    const std::set<OrderId>& accepted() const { return accepted_; }

    bool done() const { return left_ == 0; }
    void stop() { left_ = 0, stopped_ = true; }

private:
    World& world_;
    const InventoryDatabase& inventory_;
    std::size_t left_;  // orders still to be placed
    bool stopped_ = false;
    std::set<OrderId> accepted_;
};

}  // namespace orderflow::simulation
