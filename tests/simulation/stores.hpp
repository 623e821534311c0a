#pragma once
// The services' databases and the ports to them: they do on tables in memory what the services' SQL
// does. A store belongs to one session, like its counterpart on PostgreSQL. One thread.
#include <map>
#include <string>

#include "analytics/timeline/timeline_store.hpp"
#include "inventory/inventory_store.hpp"
#include "order/saga/saga_store.hpp"
#include "payment/payment_store.hpp"
#include "shipping/shipping_store.hpp"
#include "simulation/database.hpp"

namespace orderflow::simulation {

struct OrderDatabase : Database {
    explicit OrderDatabase(World& world) : Database(world, events::Service::order) {}
    Table<order::Saga> orders{"order "};
};

struct PaymentDatabase : Database {
    explicit PaymentDatabase(World& world) : Database(world, events::Service::payment) {}
    Table<payment::Payment> payments{"payment "};
};

struct InventoryDatabase : Database {
    explicit InventoryDatabase(World& world) : Database(world, events::Service::inventory) {}
    Table<inventory::Reservation> reservations{"reservation "};
    std::map<std::string, inventory::Product, std::less<>> products;
    std::map<std::string, inventory::Adjustment, std::less<>> adjustments;  // by key
};

struct ShippingDatabase : Database {
    explicit ShippingDatabase(World& world) : Database(world, events::Service::shipping) {}
    Table<shipping::Shipment> shipments{"shipment "};
    shipping::Storage storage;
};

struct AnalyticsDatabase : Database {
    explicit AnalyticsDatabase(World& world) : Database(world, events::Service::analytics) {}
    Table<analytics::Timeline> timelines{"timeline "};
    std::map<std::string, std::int64_t> totals;
};

class SagaStore final : public order::SagaStore {
public:
    SagaStore(Session& session, OrderDatabase& database)
        : session_(session), database_(database), orders_(database.orders) {}

    order::Sagas load(std::span<const OrderId> ids) override;
    // No crash point: no row is lost here, so no order has a ledger and no row.
    order::Ledgers ledgers(std::span<const OrderId> ids) override;
    bool insert(std::span<const order::NewOrder> orders) override;
    bool update(const order::Sagas& sagas) override;
    order::ProcessingPage scan_processing(const OrderId& after, const OrderId& upto,
                                          std::int64_t limit) override;

private:
    Session& session_;
    const OrderDatabase& database_;
    Table<order::Saga>& orders_;
};

class PaymentStore final : public payment::PaymentStore {
public:
    PaymentStore(Session& session, PaymentDatabase& database)
        : session_(session), payments_(database.payments) {}

    payment::Payments load(std::span<const OrderId> ids) override;
    bool save(const payment::Payments& payments) override;
    std::vector<payment::OpenPayment> find_open(std::span<const OrderId> ids) override;
    payment::OpenPage scan_open(const OrderId& after, const OrderId& upto,
                                std::int64_t rows) override;

private:
    Session& session_;
    Table<payment::Payment>& payments_;
};

class InventoryStore final : public inventory::InventoryStore {
public:
    InventoryStore(Session& session, InventoryDatabase& database)
        : session_(session), database_(database) {}

    inventory::Reservations load_reservations(std::span<const OrderId> ids) override;
    bool save_reservations(const inventory::Reservations& reservations) override;
    inventory::Stock lock_stock(std::span<const std::string_view> ids) override;
    bool save_stock(const inventory::Stock& stock, Instant now) override;
    inventory::Claims claim(std::span<const std::string_view> keys) override;
    void keep(std::span<const inventory::KeptAdjustment> adjustments, Instant now) override;

private:
    Session& session_;
    InventoryDatabase& database_;
};

class ShippingStore final : public shipping::ShippingStore {
public:
    ShippingStore(Session& session, ShippingDatabase& database)
        : session_(session), database_(database) {}

    shipping::Shipments load(std::span<const OrderId> ids) override;
    shipping::Storage lock_storage() override;
    bool save(const shipping::Shipments& shipments, std::int64_t storage_change) override;

private:
    Session& session_;
    ShippingDatabase& database_;
};

// Keeps only the totals of a tally; its minutes and customers are not kept, since they would be
// added in the same way.
class TimelineStore final : public analytics::TimelineStore {
public:
    TimelineStore(Session& session, AnalyticsDatabase& database)
        : session_(session), database_(database) {}

    analytics::Timelines load(std::span<const OrderId> ids) override;
    bool save(const analytics::Timelines& timelines) override;
    void add(const analytics::Tally& tally) override;

private:
    Session& session_;
    AnalyticsDatabase& database_;
};

}  // namespace orderflow::simulation
