#pragma once
// Which event triggers which rule. `InventoryHandler` handles the orders' events on a consumer
// loop's thread; inventory_commands.hpp handles HTTP requests.
#include <memory>
#include <utility>

#include "inventory/inventory_store.hpp"
#include "kafka/delivery.hpp"
#include "loops/batch.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::inventory {

class InventoryHandler final : public loops::BatchHandler {
public:
    explicit InventoryHandler(std::unique_ptr<InventoryStore> store) : store_(std::move(store)) {}

    bool handle(Instant now, std::span<const kafka::Delivery> batch,
                outbox::BatchOutput& out) override;

private:
    const std::unique_ptr<InventoryStore> store_;
};

}  // namespace orderflow::inventory
