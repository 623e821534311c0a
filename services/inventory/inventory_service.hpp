#pragma once
// Which event or request triggers which rule. `InventoryService` handles the orders' events on a
// consumer loop's thread; `ProductLoop` turns concurrent PUTs into one commit.
#include <functional>

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

// A product as it stands after a PUT.
struct SetProduct {
    Product product;
    bool created = false;
};

// A PUT, and whom to tell once product and event are committed.
struct ProductRequest {
    std::string product_id;
    Offer offer;
    std::string traceparent;
    // Called on the loop's thread; nullopt: it was not committed.
    std::function<void(std::optional<SetProduct>)> done;
};

// Sets products in the order of the requests and fills `results`, one for each; false: another
// transaction has inserted one of them.
bool set_products(InventoryStore& store, std::span<const ProductRequest> requests, Instant now,
                  messaging::BatchOutput& out, std::vector<SetProduct>& results);

using ProductLoop = messaging::QueueLoop<ProductRequest>;
ProductLoop::MakeWorker product_worker();

}  // namespace orderflow::inventory
