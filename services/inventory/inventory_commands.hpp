#pragma once
// HTTP requests that create or change products, or adjust their stock. Concurrent requests share
// one transaction, on the thread of a CommandLoop. An adjustment carries an Idempotency-Key: its
// outcome is committed with its effect, so that it is made once, however often it is sent.
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "inventory/inventory_store.hpp"
#include "loops/command_loop.hpp"
#include "outbox/command.hpp"

namespace orderflow::inventory {

// To be created or changed.
struct PutProduct {
    Offer offer;
    Conditions conditions;
};

// Free pieces to add; a negative number takes pieces away.
struct AdjustStock {
    std::int64_t change = 0;
    std::string reason;
    std::string key;  // Idempotency-Key, never empty
};

// A request about one product.
struct ProductCommand {
    std::string product_id;
    std::variant<PutProduct, AdjustStock> wish;
    std::string traceparent;
};

struct ProductOutcome {
    Verdict verdict{};
    Product product;        // the product after the command, for CREATED and CHANGED
    std::int64_t free = 0;  // free pieces after an adjustment
};

// An adjustment's key cannot be used again, unless the product was unknown. The store must be able
// to lock the stock: once per transaction.
outbox::Apply<ProductCommand, ProductOutcome> change_products(
    std::shared_ptr<InventoryStore> store);

using ProductLoop = loops::CommandLoop<ProductCommand, ProductOutcome>;
ProductLoop::MakeSteps product_steps();

}  // namespace orderflow::inventory
