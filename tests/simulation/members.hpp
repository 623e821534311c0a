#pragma once
// The parts of a process of each service: the production code, built as in its main.cpp, over the
// ports of the simulated shop. One thread.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "payment/payment.hpp"
#include "simulation/broker.hpp"
#include "simulation/clients.hpp"
#include "simulation/gateway.hpp"
#include "simulation/merchandiser.hpp"
#include "simulation/process.hpp"
#include "simulation/stores.hpp"
#include "simulation/threads.hpp"

namespace orderflow::simulation {

// Everything that outlives the processes.
struct Shop {
    explicit Shop(World& the_world)
        : world(the_world),
          broker(the_world),
          wire(the_world),
          poison(the_world),
          orders(the_world),
          payments(the_world),
          inventory(the_world),
          shipping(the_world),
          analytics(the_world),
          merchandiser(the_world, inventory),
          clients(the_world, inventory) {
        shipping.storage.capacity = world.random.between(1, 2);
        deadline_age = std::chrono::seconds(world.random.between(10, 200));
    }

    World& world;
    Broker broker;
    Wire wire;
    Poison poison;
    OrderDatabase orders;
    PaymentDatabase payments;
    InventoryDatabase inventory;
    ShippingDatabase shipping;
    AnalyticsDatabase analytics;
    Merchandiser merchandiser;
    Clients clients;
    std::chrono::milliseconds deadline_age{};
    std::vector<std::pair<OrderId, payment::Alarm>> alarms;
    std::set<OrderId> planted;      // orders that no client has placed
    std::set<OrderId> alarms_lost;  // orders of results whose alarm may have been lost

    std::vector<Database*> databases() {
        return {&orders, &payments, &inventory, &shipping, &analytics};
    }
};

std::unique_ptr<Memory> order_memory(Shop& shop, const Victim& victim, const std::string& name);
std::unique_ptr<Memory> payment_memory(Shop& shop, const Victim& victim, const std::string& name);
std::unique_ptr<Memory> inventory_memory(Shop& shop, const Victim& victim, const std::string& name);
std::unique_ptr<Memory> shipping_memory(Shop& shop, const Victim& victim, const std::string& name);
std::unique_ptr<Memory> analytics_memory(Shop& shop, const Victim& victim, const std::string& name);

}  // namespace orderflow::simulation
