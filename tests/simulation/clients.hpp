#pragma once
// Who uses the shop in a run: customers who place and cancel orders, and an operator who answers
// for the gateway, truthfully or not. All of them stop when the run heals.
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

    // What somebody asks for now; may be nothing.
    std::vector<order::Placement> placements();
    std::vector<order::Cancellation> cancellations();

    struct Settlement {
        OrderId id;
        payment::Settlement as{};
    };
    std::optional<Settlement> settlement(const PaymentDatabase& payments,
                                         const GatewayLedger& gateway);

    events::Order an_order();

    // The customer has been told 202.
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
