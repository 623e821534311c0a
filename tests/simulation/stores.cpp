#include "simulation/stores.hpp"

#include <algorithm>
#include <stdexcept>

#include "events/codec.hpp"
#include "support/payment_rows.hpp"

namespace orderflow::simulation {
namespace {

const std::string kStorageLock = "storage";

std::string lock_of_product(std::string_view id) { return "product " + std::string(id); }

// Visits the rows with after < id <= upto, at most `limit`.
template <class Row, class Visit>
void for_range(const Table<Row>& table, const OrderId& after, const OrderId& upto,
               std::int64_t limit, Visit visit) {
    const auto& rows = table.rows();
    for (auto row = rows.upper_bound(after); row != rows.end() && limit > 0; ++row, --limit) {
        if (row->first > upto) return;
        visit(row->first, row->second.row);
    }
}

// Empty for the type of an announcement.
std::optional<events::EventKind> kind_of_type(std::string_view type) {
    for (const events::CatalogRow& row : events::catalog()) {
        if (events::type_name(row.kind) == type) return row.kind;
    }
    return std::nullopt;
}

}  // namespace

order::Sagas SagaStore::load(std::span<const OrderId> ids) {
    session_.statement(Effect::load);
    return orders_.load(ids);
}

order::Ledgers SagaStore::ledgers(std::span<const OrderId> ids) {
    order::Ledgers ledgers;
    for (const outbox::LedgerRow& row : database_.outbox()) {
        if (!row.order_id || std::ranges::find(ids, *row.order_id) == ids.end()) continue;
        const auto kind = kind_of_type(row.type);
        if (!kind) continue;
        ledgers[*row.order_id].push_back(
            {events::decode(*kind, row.data).value(), row.recorded_at});
    }
    return ledgers;
}

bool SagaStore::insert(std::span<const order::NewOrder> orders) {
    if (orders.empty()) return true;
    session_.statement(Effect::save);
    return std::ranges::all_of(orders, [&](const order::NewOrder& order) {
        return orders_.insert(session_, order.id, order.saga);
    });
}

bool SagaStore::update(const order::Sagas& sagas) {
    const auto changes = sagas.changes();
    if (changes.updates.empty()) return true;
    session_.statement(Effect::save);
    return orders_.update(session_, changes.updates);
}

order::ProcessingPage SagaStore::scan_processing(const OrderId& after, const OrderId& upto,
                                                 std::int64_t limit) {
    session_.statement(Effect::scan);
    order::ProcessingPage page;
    for_range(orders_, after, upto, limit, [&](const OrderId& id, const order::Saga& saga) {
        page.last = id;
        if (saga.state == order::State::PROCESSING) page.processing.push_back(id);
    });
    return page;
}

payment::Payments PaymentStore::load(std::span<const OrderId> ids) {
    session_.statement(Effect::load);
    return payments_.load(ids);
}

bool PaymentStore::save(const payment::Payments& payments) {
    session_.statement(Effect::save);
    return payments_.save(session_, payments);
}

std::vector<payment::OpenPayment> PaymentStore::find_open(std::span<const OrderId> ids) {
    session_.statement(Effect::scan);
    std::vector<payment::OpenPayment> open;
    for (const OrderId& id : ids) {
        const auto found = payments_.rows().find(id);
        if (found == payments_.rows().end()) continue;
        const payment::Payment& payment = found->second.row;
        if (payment::is_open(payment.state)) open.push_back(test::open_payment(id, payment));
    }
    return open;
}

payment::OpenPage PaymentStore::scan_open(const OrderId& after, const OrderId& upto,
                                          std::int64_t rows) {
    session_.statement(Effect::scan);
    payment::OpenPage page;
    for_range(payments_, after, upto, rows, [&](const OrderId& id, const payment::Payment& row) {
        page.last = id;
        if (payment::is_open(row.state)) page.open.push_back(test::open_payment(id, row));
        if (test::is_contradicted(row)) ++page.contradicted;
    });
    return page;
}

inventory::Reservations InventoryStore::load_reservations(std::span<const OrderId> ids) {
    session_.statement(Effect::load);
    return database_.reservations.load(ids);
}

bool InventoryStore::save_reservations(const inventory::Reservations& reservations) {
    session_.statement(Effect::save);
    return database_.reservations.save(session_, reservations);
}

inventory::Stock InventoryStore::lock_stock(std::span<const std::string_view> ids) {
    session_.statement(Effect::lock);
    std::vector<std::string_view> sorted(ids.begin(), ids.end());
    std::ranges::sort(sorted);
    inventory::Stock stock;
    for (const std::string_view id : sorted) {
        if (!database_.products.contains(id)) continue;
        session_.lock(lock_of_product(id));
        stock.loaded(std::string(id), database_.products.find(id)->second);
    }
    return stock;
}

bool InventoryStore::save_stock(const inventory::Stock& stock, Instant) {
    const auto changes = stock.changes();
    if (changes.inserts.empty() && changes.updates.empty()) return true;
    session_.statement(Effect::save);
    const auto write = [this](const inventory::Stock::Row& row) {
        session_.write([this, id = std::string(row.id), product = *row.product] {
            database_.products[id] = product;
        });
    };
    for (const auto& row : changes.inserts) {
        session_.lock(lock_of_product(row.id));
        if (database_.products.contains(row.id)) return false;
        write(row);
    }
    for (const auto& row : changes.updates) write(row);
    return true;
}

inventory::Claims InventoryStore::claim(std::span<const std::string_view> keys) {
    inventory::Claims claims;
    session_.statement(Effect::load);
    for (const std::string_view key : keys) {
        auto& claim = claims[std::string(key)];
        claim.busy = !session_.try_lock("key " + std::string(key));
        const auto found = database_.adjustments.find(key);
        if (found == database_.adjustments.end()) continue;
        claim = {false, found->second};
    }
    return claims;
}

void InventoryStore::keep(std::span<const inventory::KeptAdjustment> adjustments, Instant) {
    session_.statement(Effect::save);
    for (const auto& [key, adjustment] : adjustments) {
        session_.write([this, name = std::string(key), row = *adjustment] {
            database_.adjustments.emplace(name, row);
        });
    }
}

shipping::Shipments ShippingStore::load(std::span<const OrderId> ids) {
    session_.statement(Effect::load);
    return database_.shipments.load(ids);
}

shipping::Storage ShippingStore::lock_storage() {
    session_.statement(Effect::lock);
    session_.lock(kStorageLock);
    return database_.storage;
}

bool ShippingStore::save(const shipping::Shipments& shipments, std::int64_t storage_change) {
    session_.statement(Effect::save);
    if (!database_.shipments.save(session_, shipments)) return false;
    if (storage_change != 0) {
        if (!session_.holds(kStorageLock)) throw std::logic_error("the storage is not locked");
        session_.write([this, storage_change] { database_.storage.used += storage_change; });
    }
    return true;
}

analytics::Timelines TimelineStore::load(std::span<const OrderId> ids) {
    session_.statement(Effect::load);
    return database_.timelines.load(ids);
}

bool TimelineStore::save(const analytics::Timelines& timelines) {
    session_.statement(Effect::save);
    return database_.timelines.save(session_, timelines);
}

void TimelineStore::add(const analytics::Tally& tally) {
    for (const auto& [name, sum] : tally.totals) {
        session_.statement(Effect::lock);
        session_.lock("counter " + name);
        // 64 bits hold what a run counts; PostgreSQL has no such limit.
        const std::int64_t change = sum.high * analytics::Sum::kLimb + sum.low;
        session_.write([this, total = name, change] { database_.totals[total] += change; });
    }
}

}  // namespace orderflow::simulation
