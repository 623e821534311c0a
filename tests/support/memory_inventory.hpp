#pragma once
// Inventory's tables in memory, with versions as PostgreSQL would keep them. It has no transactions
// and no locks; a set that is refused changes nothing. One thread. It stays beside the simulator's
// store, which writes at a commit only: the tests call a handler without a transaction, put rows
// in, hold keys as another transaction would, and check how many products were locked.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "inventory/inventory_store.hpp"

namespace orderflow::test {

class MemoryInventory final : public inventory::InventoryStore {
public:
    std::map<OrderId, std::pair<inventory::Reservation, std::int64_t>> reservations;
    std::map<std::string, inventory::Product, std::less<>> products;
    std::map<std::string, inventory::Adjustment, std::less<>> adjustments;  // by key
    std::set<std::string, std::less<>> busy;  // keys that another transaction holds
    std::size_t locked = 0;                   // number of products, at the last call

    inventory::Reservations load_reservations(std::span<const OrderId> ids) override {
        inventory::Reservations loaded;
        for (const OrderId& id : ids) {
            const auto found = reservations.find(id);
            if (found != reservations.end()) {
                loaded.loaded(id, found->second.first, found->second.second);
            }
        }
        return loaded;
    }
    bool save_reservations(const inventory::Reservations& rows) override {
        const auto changes = rows.changes();
        const auto has_moved_on = [&](const inventory::Reservations::Entry* entry) {
            return version(entry->id) != entry->version;
        };
        if (std::ranges::any_of(changes.inserts, has_moved_on)) return false;
        if (std::ranges::any_of(changes.updates, has_moved_on)) return false;
        for (const auto& set : {changes.inserts, changes.updates}) {
            for (const auto* entry : set) {
                reservations[entry->id] = {entry->row, entry->version + 1};
            }
        }
        return true;
    }
    inventory::Stock lock_stock(std::span<const std::string_view> ids) override {
        inventory::Stock stock;
        for (const auto id : ids) {
            const auto found = products.find(id);
            if (found != products.end()) stock.loaded(found->first, found->second);
        }
        locked = ids.size();
        return stock;
    }
    bool save_stock(const inventory::Stock& stock, Instant) override {
        const auto changes = stock.changes();
        const auto exists = [&](const auto& row) { return products.contains(row.id); };
        if (std::ranges::any_of(changes.inserts, exists)) return false;
        if (!std::ranges::all_of(changes.updates, exists)) return false;
        for (const auto& row : changes.inserts) products.emplace(row.id, *row.product);
        for (const auto& row : changes.updates) products.find(row.id)->second = *row.product;
        return true;
    }
    inventory::Claims claim(std::span<const std::string_view> keys) override {
        inventory::Claims claims;
        for (const std::string_view key : keys) {
            auto& claim = claims[std::string(key)];
            const auto found = adjustments.find(key);
            if (found != adjustments.end()) claim.kept = found->second;
            claim.busy = !claim.kept && busy.contains(key);
        }
        return claims;
    }
    void keep(std::span<const inventory::KeptAdjustment> kept, Instant) override {
        for (const auto& [key, adjustment] : kept) {
            adjustments.emplace(std::string(key), *adjustment);
        }
    }

private:
    // 0: there is no such reservation.
    std::int64_t version(const OrderId& id) const {
        const auto found = reservations.find(id);
        return found == reservations.end() ? 0 : found->second.second;
    }
};

}  // namespace orderflow::test
