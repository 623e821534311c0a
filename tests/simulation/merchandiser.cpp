#include "simulation/merchandiser.hpp"

namespace orderflow::simulation {
namespace {

using inventory::AdjustStock;
using inventory::ProductCommand;
using inventory::PutProduct;
using inventory::Verdict;
using Answer = outbox::Answer<inventory::ProductOutcome>;

const std::vector<std::string> kProducts{"LAMP", "MUG", "SOFA"};

// How often the merchandiser makes requests when a process looks for requests.
constexpr int kAskPercent = 5;

}  // namespace

Merchandiser::Merchandiser(World& world, InventoryDatabase& inventory)
    : world_(world), inventory_(inventory) {
    for (const std::string& id : kProducts) {
        const std::int64_t free = world.random.between(2, 20);
        inventory_.products[id] = {id, {100 * world.random.between(1, 5), {}}, free, 0, 0};
        initial_stock_[id] = free;
    }
}

std::vector<ProductCommand> Merchandiser::commands() {
    std::vector<ProductCommand> commands;
    if (stopped_ || !world_.random.percent(kAskPercent)) return commands;
    for (std::size_t n = 1 + world_.random.below(3); n > 0; --n) {
        switch (world_.random.below(4)) {
            case 0: commands.push_back(creation()); break;
            case 1: commands.push_back(change()); break;
            default: commands.push_back(adjustment());
        }
    }
    return commands;
}

// Often creates a product that exists: as if the answer to the first request had been lost.
ProductCommand Merchandiser::creation() {
    Random& random = world_.random;
    const std::string id = random.percent(30) ? "NO-SUCH" : random.one_of(kProducts);
    PutProduct put{{"new", {100 * random.between(1, 5), {}}, random.between(1, 12)}, {}};
    if (random.percent(50)) put.conditions.none_match = inventory::Tags{true, {}};
    creations_[id].insert(*put.offer.stock);
    return {id, std::move(put), {}};
}

ProductCommand Merchandiser::change() {
    Random& random = world_.random;
    const std::string& id = random.one_of(kProducts);
    PutProduct put{{"changed", {100 * random.between(1, 5), {}}, std::nullopt}, {}};
    inventory::Tags& match = put.conditions.match.emplace();
    match.any = random.percent(20);
    match.tags = {random.percent(80) ? inventory::offer_tag(inventory_.products.at(id)) : "old"};
    return {id, std::move(put), {}};
}

// Makes one new adjustment at a time. In between it repeats the adjustment that was not answered,
// or one that was.
ProductCommand Merchandiser::adjustment() {
    Random& random = world_.random;
    if (unanswered_) return *unanswered_;
    if (!adjustments_.empty() && random.percent(30)) return random.one_of(adjustments_);
    const std::int64_t sign = random.percent(50) ? 1 : -1;
    const std::int64_t change = sign * random.between(1, 6);
    const std::string key = "key-" + std::to_string(adjustments_.size());
    ProductCommand request{random.one_of(kProducts), AdjustStock{change, "counted", key}, {}};
    world_.note("somebody wants ", std::to_string(change), " of ", request.product_id, ", ", key);
    unanswered_ = adjustments_.emplace_back(std::move(request));
    return *unanswered_;
}

void Merchandiser::answered(const std::vector<ProductCommand>& commands,
                            const std::vector<Answer>& answers) {
    for (std::size_t i = 0; i < commands.size(); ++i) {
        const auto* adjust = std::get_if<AdjustStock>(&commands[i].wish);
        const Answer& answer = answers[i];
        if (!adjust || answer.fate == outbox::Fate::busy) continue;
        const std::string& key = adjust->key;
        if (answer.fate != outbox::Fate::done) {
            world_.fail("a key stands for the request that it was sent with", key);
        }
        const auto [first, is_first] = answers_.try_emplace(key, answer.outcome);
        if (first->second.verdict != answer.outcome.verdict ||
            first->second.free != answer.outcome.free) {
            world_.fail("the same key gets the same answer", key);
        }
        if (!is_first) continue;
        if (answer.outcome.verdict == Verdict::ADJUSTED)
            added_[commands[i].product_id] += adjust->change;
        unanswered_.reset();
    }
}

bool Merchandiser::may_have_created(const std::string& product, std::int64_t pieces) const {
    const auto found = creations_.find(product);
    return found != creations_.end() && found->second.contains(pieces);
}

bool Merchandiser::may_have_added(const std::string& product, std::int64_t pieces) const {
    const auto added = added_.find(product);
    const std::int64_t certain = added == added_.end() ? 0 : added->second;
    if (pieces == certain) return true;
    return unanswered_ && unanswered_->product_id == product &&
           pieces == certain + std::get<AdjustStock>(unanswered_->wish).change;
}

}  // namespace orderflow::simulation
