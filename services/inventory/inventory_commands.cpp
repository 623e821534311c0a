#include "inventory/inventory_commands.hpp"

#include <map>

#include "outbox/unit_of_work.hpp"

namespace orderflow::inventory {
namespace {

using outbox::BatchOutput;

// One batch under way.
class Batch {
public:
    Batch(InventoryStore& store, std::span<const ProductRequest> requests, BatchOutput& out)
        : store_(store), out_(out) {
        std::vector<std::string_view> keys;
        for (const ProductRequest& request : requests) {
            if (const auto* wish = std::get_if<AdjustStock>(&request.wish)) {
                keys.push_back(wish->key);
            }
        }
        claims_ = store.claim(outbox::distinct_keys(std::move(keys)));
        std::vector<std::string_view> ids;
        for (const ProductRequest& request : requests) {
            if (touches_product(request)) ids.push_back(request.product_id);
        }
        stock_ = store.lock_stock(ids);
    }

    ProductAnswer answer(const ProductRequest& request) {
        const auto* put = std::get_if<PutProduct>(&request.wish);
        return put ? answer(request, *put) : answer(request, std::get<AdjustStock>(request.wish));
    }

    bool save(Instant now) {
        if (!store_.save_stock(stock_, now)) return false;
        std::vector<KeyedAdjustment> kept;
        for (const auto& [key, adjustment] : decided_) kept.push_back({key, &adjustment});
        store_.keep(kept, now);
        return true;
    }

private:
    // A request that will change nothing must not wait for locks.
    bool touches_product(const ProductRequest& request) const {
        const auto* adjust = std::get_if<AdjustStock>(&request.wish);
        if (!adjust) return true;
        const Claim& claim = claims_.at(adjust->key);
        return !claim.busy && !claim.kept;
    }

    ProductAnswer answer(const ProductRequest& request, const PutProduct& put) {
        const std::string& id = request.product_id;
        auto decision = put_product(id, stock_.find(id), put.offer, put.conditions);
        const Verdict verdict = decision.verdict;
        apply(request, std::move(decision));
        const Product* product = stock_.find(id);
        return {Outcome::done, verdict, product ? *product : Product{}, 0};
    }

    ProductAnswer answer(const ProductRequest& request, const AdjustStock& adjust) {
        const Claim& claim = claims_.at(adjust.key);
        if (claim.kept) return replay(request, adjust, *claim.kept);
        if (claim.busy) return {Outcome::busy, {}, {}, 0};
        const auto first = decided_.find(adjust.key);  // a double of one in the same batch
        if (first != decided_.end()) return replay(request, adjust, first->second);
        const std::string& id = request.product_id;
        auto decision = adjust_stock(id, stock_.find(id), adjust.change);
        const Verdict verdict = decision.verdict;
        // Not stored: the product may still be created.
        if (verdict == Verdict::UNKNOWN_PRODUCT) return {Outcome::done, verdict, {}, 0};
        apply(request, std::move(decision));
        const std::int64_t free = stock_.find(id)->free;
        decided_[adjust.key] = {id, adjust.change, adjust.reason, verdict, free};
        return {Outcome::done, verdict, {}, free};
    }

    static ProductAnswer replay(const ProductRequest& request, const AdjustStock& adjust,
                                const Adjustment& kept) {
        const bool same = kept.product_id == request.product_id && kept.change == adjust.change &&
                          kept.reason == adjust.reason;
        return {same ? Outcome::done : Outcome::mismatch, kept.verdict, {}, kept.free};
    }

    void apply(const ProductRequest& request, CatalogueDecision decision) {
        if (decision.next) stock_.put(request.product_id, std::move(*decision.next));
        if (decision.event) out_.emit(std::move(*decision.event), request.traceparent);
    }

    InventoryStore& store_;
    BatchOutput& out_;
    Claims claims_;
    Stock stock_;
    std::map<std::string_view, Adjustment> decided_;  // by key
};

}  // namespace

bool change_products(InventoryStore& store, std::span<const ProductRequest> requests, Instant now,
                     BatchOutput& out, std::vector<ProductAnswer>& answers) {
    Batch batch(store, requests, out);
    answers.clear();
    for (const ProductRequest& request : requests) answers.push_back(batch.answer(request));
    return batch.save(now);
}

namespace {

class ProductWorker final : public ProductLoop::Worker {
public:
    explicit ProductWorker(postgres::Connection& connection)
        : store_(make_inventory_store(connection)) {}

    void run(outbox::UnitOfWork& work, std::span<ProductRequest> batch) override {
        std::vector<ProductAnswer> answers;
        outbox::run_transaction(work, [&](Instant now, BatchOutput& out) {
            return change_products(*store_, batch, now, out, answers);
        });
        for (std::size_t i = 0; i < batch.size(); ++i) batch[i].done(std::move(answers[i]));
    }

    // Each request may be sent again.
    void fail(std::span<ProductRequest> batch) noexcept override {
        for (const ProductRequest& request : batch) request.done({});
    }

private:
    const std::unique_ptr<InventoryStore> store_;
};

}  // namespace

ProductLoop::MakeWorker product_worker() {
    return [](postgres::Connection& connection) {
        return std::make_unique<ProductWorker>(connection);
    };
}

}  // namespace orderflow::inventory
