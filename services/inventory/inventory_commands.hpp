#pragma once
// HTTP requests that create or change products, or adjust their stock. Concurrent requests share
// one commit, on the thread of a QueueLoop. An adjustment carries an Idempotency-Key: its outcome
// is committed with its effect, so that it is made once, however often it is sent.
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "inventory/inventory_store.hpp"
#include "loops/queue_loop.hpp"
#include "outbox/request_keys.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::inventory {

using outbox::Outcome;

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

struct ProductAnswer {
    Outcome what = Outcome::unknown;
    Verdict verdict{};
    Product product;        // the product after the request, for CREATED and CHANGED
    std::int64_t free = 0;  // free pieces after an adjustment
};

// A request, and the callback to call once its effect is committed.
struct ProductRequest {
    std::string product_id;
    std::variant<PutProduct, AdjustStock> wish;
    std::string traceparent;
    std::function<void(ProductAnswer)> done;  // called on the loop's thread
};

// Carries out the requests in their order and fills `answers`, one for each; false: another
// transaction has inserted one of the products. In the caller's transaction.
bool change_products(InventoryStore& store, std::span<const ProductRequest> requests, Instant now,
                     outbox::BatchOutput& out, std::vector<ProductAnswer>& answers);

using ProductLoop = loops::QueueLoop<ProductRequest>;
ProductLoop::MakeWorker product_worker();

}  // namespace orderflow::inventory
