#pragma once
// The person who keeps the catalogue in a run: creates products, changes names and prices, adjusts
// stock, and repeats requests that were not answered, and some that were. Remembers which of the
// requests may have taken effect. Stops when the run heals. One thread.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "inventory/inventory_commands.hpp"
#include "simulation/stores.hpp"

namespace orderflow::simulation {

class Merchandiser {
public:
    // Creates the first products, with stock.
    Merchandiser(World& world, InventoryDatabase& inventory);

    // The requests that the merchandiser makes now; may be empty.
    std::vector<inventory::ProductCommand> commands();
    void answered(const std::vector<inventory::ProductCommand>& commands,
                  const std::vector<outbox::Answer<inventory::ProductOutcome>>& answers);
    void stop() { stopped_ = true; }

    // Free pieces of each product at the beginning.
    const std::map<std::string, std::int64_t>& initial_stock() const { return initial_stock_; }

    // Returns whether a product may have been created with so many pieces, and whether adjustments
    // may have added so many: each requested adjustment counts at most once, each answered one
    // exactly once.
    bool may_have_created(const std::string& product, std::int64_t pieces) const;
    bool may_have_added(const std::string& product, std::int64_t pieces) const;

private:
    inventory::ProductCommand creation();
    inventory::ProductCommand change();
    inventory::ProductCommand adjustment();

    World& world_;
    InventoryDatabase& inventory_;
    bool stopped_ = false;
    std::map<std::string, std::int64_t> initial_stock_;
    std::map<std::string, std::set<std::int64_t>> creations_;
    std::vector<inventory::ProductCommand> adjustments_;   // one for each key
    std::optional<inventory::ProductCommand> unanswered_;  // the last of them, if it is unanswered
    std::map<std::string, inventory::ProductOutcome> answers_;  // by key
    std::map<std::string, std::int64_t> added_;                 // by the answered adjustments
};

}  // namespace orderflow::simulation
