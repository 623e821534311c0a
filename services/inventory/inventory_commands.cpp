#include "inventory/inventory_commands.hpp"

#include <functional>

#include "outbox/unit_of_work.hpp"

namespace orderflow::inventory {
namespace {

using outbox::BatchOutput;
using ProductAnswer = outbox::Answer<ProductOutcome>;

std::string_view key_of(const ProductCommand& command) {
    const auto* adjust = std::get_if<AdjustStock>(&command.wish);
    return adjust ? std::string_view(adjust->key) : std::string_view();
}

bool same_adjustment(const ProductCommand& command, const Adjustment& kept) {
    const auto& adjust = std::get<AdjustStock>(command.wish);
    return kept.product_id == command.product_id && kept.change == adjust.change &&
           kept.reason == adjust.reason;
}

// Nothing is stored of an unknown product: it may still be created.
std::optional<Adjustment> adjustment_of(const ProductCommand& command,
                                        const ProductOutcome& outcome) {
    if (outcome.verdict == Verdict::UNKNOWN_PRODUCT) return std::nullopt;
    const auto& adjust = std::get<AdjustStock>(command.wish);
    return Adjustment{command.product_id, adjust.change, adjust.reason, outcome.verdict,
                      outcome.free};
}

ProductOutcome outcome_of(const Adjustment& kept) { return {kept.verdict, {}, kept.free}; }

constexpr outbox::KeyCodec<ProductCommand, ProductOutcome, Adjustment> kAdjustmentCodec{
    .key = key_of, .same = same_adjustment, .keep = adjustment_of, .outcome = outcome_of};

CatalogueDecision decide(const ProductCommand& command, const Product* known) {
    if (const auto* put = std::get_if<PutProduct>(&command.wish)) {
        return put_product(command.product_id, known, put->offer, put->conditions);
    }
    return adjust_stock(command.product_id, known, std::get<AdjustStock>(command.wish).change);
}

bool change_all(const std::shared_ptr<InventoryStore>& store,
                std::span<ProductCommand* const> commands, Instant now, BatchOutput& out,
                std::span<ProductAnswer> answers) {
    std::vector<std::string_view> ids;
    ids.reserve(commands.size());
    for (const ProductCommand* command : commands) ids.push_back(command->product_id);
    Stock stock = store->lock_stock(ids);
    for (std::size_t i = 0; i < commands.size(); ++i) {
        const ProductCommand& command = *commands[i];
        CatalogueDecision decision = decide(command, stock.find(command.product_id));
        if (decision.next) stock.put(command.product_id, std::move(*decision.next));
        if (decision.event) out.emit(std::move(*decision.event), command.traceparent);
        ProductOutcome& outcome = answers[i].outcome;
        outcome.verdict = decision.verdict;
        if (const Product* product = stock.find(command.product_id)) {
            outcome.product = *product;
            outcome.free = product->free;
        }
    }
    return store->save_stock(stock, now);
}

}  // namespace

outbox::Apply<ProductCommand, ProductOutcome> change_products(
    std::shared_ptr<InventoryStore> store) {
    outbox::Apply<ProductCommand, ProductOutcome> apply = std::bind_front(change_all, store);
    return outbox::idempotent(std::move(store), kAdjustmentCodec, std::move(apply));
}

ProductLoop::MakeSteps product_steps() {
    return [](postgres::Connection& connection) {
        ProductLoop::Steps steps;
        steps.apply = change_products(make_inventory_store(connection));
        return steps;
    };
}

}  // namespace orderflow::inventory
