// The mutants that make a mistake in a store.
#include "simulation/mutants.hpp"

namespace orderflow::simulation::mutants {
namespace {

template <class Rows>
std::vector<OrderId> ids_of(const Rows& rows) {
    const auto changes = rows.changes();
    std::vector<OrderId> ids;
    for (const auto* entry : changes.inserts) ids.push_back(entry->id);
    for (const auto* entry : changes.updates) ids.push_back(entry->id);
    return ids;
}

// Puts the same changes on top of the newest versions: changes that others made since are
// overwritten unnoticed.
template <class Rows>
Rows blind(const Rows& rows, Rows newest) {
    const auto changes = rows.changes();
    for (const auto* entry : changes.inserts) newest.put(entry->id, entry->row);
    for (const auto* entry : changes.updates) newest.put(entry->id, entry->row);
    return newest;
}

// The changes without the new rows that `left_out` names.
template <class Rows, class Predicate>
Rows without_new(const Rows& rows, Predicate left_out) {
    const auto changes = rows.changes();
    Rows kept;
    for (const auto* entry : changes.inserts) {
        if (!left_out(entry->row)) kept.put(entry->id, entry->row);
    }
    for (const auto* entry : changes.updates) {
        kept.loaded(entry->id, entry->row, entry->version);
        kept.put(entry->id, entry->row);
    }
    return kept;
}

class CancelledAfterTwoAnswers final : public order::SagaStore {
public:
    explicit CancelledAfterTwoAnswers(std::unique_ptr<SagaStore> inner)
        : inner_(std::move(inner)) {}

    // A saga with any answer is returned as if inventory had answered, too.
    order::Sagas load(std::span<const OrderId> ids) override {
        const order::Sagas stored = inner_->load(ids);
        order::Sagas sagas;
        for (const OrderId& id : ids) {
            const order::Saga* found = stored.find(id);
            if (!found) continue;
            order::Saga saga = *found;
            if (saga.answers != 0) saga.answers |= order::bit(events::Participant::inventory);
            sagas.loaded(id, std::move(saga), stored.stored_version(id));
        }
        return sagas;
    }
    order::Ledgers ledgers(std::span<const OrderId> ids) override { return inner_->ledgers(ids); }
    bool insert(std::span<const order::NewOrder> orders) override { return inner_->insert(orders); }
    bool update(const order::Sagas& sagas) override { return inner_->update(sagas); }
    order::ProcessingPage scan_processing(const OrderId& after, const OrderId& upto,
                                          std::int64_t limit) override {
        return inner_->scan_processing(after, upto, limit);
    }

private:
    const std::unique_ptr<SagaStore> inner_;
};

class MutantPaymentStore final : public payment::PaymentStore {
public:
    MutantPaymentStore(Mutant mutant, std::unique_ptr<PaymentStore> inner)
        : mutant_(mutant), inner_(std::move(inner)) {}

    payment::Payments load(std::span<const OrderId> ids) override { return inner_->load(ids); }
    bool save(const payment::Payments& payments) override {
        if (mutant_ == Mutant::save_ignores_version) {
            return inner_->save(blind(payments, inner_->load(ids_of(payments))));
        }
        return inner_->save(without_new(payments, [this](const payment::Payment& payment) {
            return mutant_ == Mutant::no_tombstone && !payment.order;
        }));
    }
    std::vector<payment::OpenPayment> find_open(std::span<const OrderId> ids) override {
        if (mutant_ == Mutant::calls_lost_without_recovery) return {};
        return inner_->find_open(ids);
    }
    payment::OpenPage scan_open(const OrderId& after, const OrderId& upto,
                                std::int64_t rows) override {
        payment::OpenPage page = inner_->scan_open(after, upto, rows);
        // Only the scan of the whole table begins with the first id.
        if (mutant_ == Mutant::calls_lost_without_recovery ||
            (mutant_ == Mutant::recent_payments_overlooked && after != OrderId{})) {
            page.open.clear();
        }
        return page;
    }

private:
    const Mutant mutant_;
    const std::unique_ptr<PaymentStore> inner_;
};

class PlainInventoryStore : public inventory::InventoryStore {
public:
    explicit PlainInventoryStore(std::unique_ptr<InventoryStore> inner)
        : inner_(std::move(inner)) {}

    inventory::Reservations load_reservations(std::span<const OrderId> ids) override {
        return inner_->load_reservations(ids);
    }
    bool save_reservations(const inventory::Reservations& rows) override {
        return inner_->save_reservations(rows);
    }
    inventory::Stock lock_stock(std::span<const std::string_view> ids) override {
        return inner_->lock_stock(ids);
    }
    bool save_stock(const inventory::Stock& stock, Instant now) override {
        return inner_->save_stock(stock, now);
    }
    inventory::Claims claim(std::span<const std::string_view> keys) override {
        return inner_->claim(keys);
    }
    void keep(std::span<const inventory::KeptAdjustment> adjustments, Instant now) override {
        inner_->keep(adjustments, now);
    }

protected:
    const std::unique_ptr<InventoryStore> inner_;
};

class MutantInventoryStore final : public PlainInventoryStore {
public:
    MutantInventoryStore(Mutant mutant, std::unique_ptr<InventoryStore> inner)
        : PlainInventoryStore(std::move(inner)), mutant_(mutant) {}

    bool save_reservations(const inventory::Reservations& rows) override {
        if (mutant_ == Mutant::save_ignores_version) {
            return inner_->save_reservations(blind(rows, inner_->load_reservations(ids_of(rows))));
        }
        const auto left_out = mutant_ == Mutant::refusal_leaves_no_row
                                  ? inventory::State::REJECTED
                                  : inventory::State::CANCELLED;
        return inner_->save_reservations(without_new(
            rows, [&](const inventory::Reservation& row) { return row.state == left_out; }));
    }

private:
    const Mutant mutant_;
};

// The rules get no product, as if none existed.
class CreateOverwritesStock final : public PlainInventoryStore {
public:
    using PlainInventoryStore::PlainInventoryStore;
    inventory::Stock lock_stock(std::span<const std::string_view> ids) override {
        known_ = inner_->lock_stock(ids);
        return {};
    }
    bool save_stock(const inventory::Stock& stock, Instant now) override {
        for (const auto& [id, created] : stock.changes().inserts) {
            inventory::Product product = *created;
            if (const inventory::Product* known = known_.find(id)) {
                product.reserved = known->reserved;
                product.sold = known->sold;
            }
            known_.put(std::string(id), std::move(product));
        }
        return inner_->save_stock(known_, now);
    }

private:
    inventory::Stock known_;
};

class AdjustmentMadeAgain final : public PlainInventoryStore {
public:
    using PlainInventoryStore::PlainInventoryStore;
    inventory::Claims claim(std::span<const std::string_view> keys) override {
        kept_ = inner_->claim(keys);
        inventory::Claims forgotten = kept_;
        for (auto& [key, claim] : forgotten) claim.kept.reset();
        return forgotten;
    }
    void keep(std::span<const inventory::KeptAdjustment> adjustments, Instant now) override {
        std::vector<inventory::KeptAdjustment> fresh(adjustments.begin(), adjustments.end());
        std::erase_if(fresh, [this](const auto& entry) {
            return kept_.find(entry.key)->second.kept.has_value();
        });
        inner_->keep(fresh, now);
    }

private:
    inventory::Claims kept_;
};

class MutantShippingStore final : public shipping::ShippingStore {
public:
    MutantShippingStore(Mutant mutant, std::unique_ptr<ShippingStore> inner)
        : mutant_(mutant), inner_(std::move(inner)) {}

    shipping::Shipments load(std::span<const OrderId> ids) override { return inner_->load(ids); }
    shipping::Storage lock_storage() override { return inner_->lock_storage(); }
    bool save(const shipping::Shipments& rows, std::int64_t storage_change) override {
        if (mutant_ == Mutant::save_ignores_version) {
            return inner_->save(blind(rows, inner_->load(ids_of(rows))), storage_change);
        }
        const auto left_out =
            mutant_ == Mutant::no_tombstone ? shipping::State::CANCELLED : shipping::State::REFUSED;
        const auto kept =
            without_new(rows, [&](const shipping::Shipment& row) { return row.state == left_out; });
        return inner_->save(kept, storage_change);
    }

private:
    const Mutant mutant_;
    const std::unique_ptr<ShippingStore> inner_;
};

bool concerns_participants(Mutant mutant) {
    return mutant == Mutant::save_ignores_version || mutant == Mutant::no_tombstone ||
           mutant == Mutant::refusal_leaves_no_row;
}

}  // namespace

std::unique_ptr<order::SagaStore> store(Mutant mutant, std::unique_ptr<order::SagaStore> store) {
    if (mutant != Mutant::cancelled_after_two_answers) return store;
    return std::make_unique<CancelledAfterTwoAnswers>(std::move(store));
}

std::unique_ptr<payment::PaymentStore> store(Mutant mutant,
                                             std::unique_ptr<payment::PaymentStore> store) {
    if (!concerns_participants(mutant) && mutant != Mutant::calls_lost_without_recovery &&
        mutant != Mutant::recent_payments_overlooked) {
        return store;
    }
    return std::make_unique<MutantPaymentStore>(mutant, std::move(store));
}

std::unique_ptr<inventory::InventoryStore> store(Mutant mutant,
                                                 std::unique_ptr<inventory::InventoryStore> store) {
    if (!concerns_participants(mutant) && mutant != Mutant::inventory_without_tombstone) {
        return store;
    }
    return std::make_unique<MutantInventoryStore>(mutant, std::move(store));
}

std::unique_ptr<inventory::InventoryStore> catalogue_store(
    Mutant mutant, std::unique_ptr<inventory::InventoryStore> store) {
    if (mutant == Mutant::create_overwrites_stock) {
        return std::make_unique<CreateOverwritesStock>(std::move(store));
    }
    if (mutant == Mutant::adjustment_made_again) {
        return std::make_unique<AdjustmentMadeAgain>(std::move(store));
    }
    return store;
}

std::unique_ptr<shipping::ShippingStore> store(Mutant mutant,
                                               std::unique_ptr<shipping::ShippingStore> store) {
    if (!concerns_participants(mutant)) return store;
    return std::make_unique<MutantShippingStore>(mutant, std::move(store));
}

}  // namespace orderflow::simulation::mutants
