#pragma once
// Which event triggers which rule. `InventoryService` handles the orders' events on a consumer
// loop's thread; what comes by HTTP is in inventory_requests.hpp.
#include "inventory/inventory_store.hpp"
#include "messaging/loops.hpp"

namespace orderflow::inventory {

class InventoryService final : public messaging::BatchHandler {
public:
    explicit InventoryService(InventoryStore& store) : store_(store) {}

    bool handle(Instant now, std::span<const messaging::Delivery> batch,
                messaging::BatchOutput& out) override;

private:
    InventoryStore& store_;
};

}  // namespace orderflow::inventory
