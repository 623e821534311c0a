#include "order/order_service.hpp"

#include <algorithm>

namespace orderflow::order {

using messaging::BatchOutput;
using messaging::Delivery;

bool OrderService::handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) {
    const auto ids =
        messaging::distinct_orders(batch, [](const Delivery& d) { return d.order_id(); });
    Sagas sagas = store_.load(ids);
    std::vector<NewOrder> recreated;
    for (const Delivery& delivery : batch) {
        const OrderId& id = *delivery.order_id();
        Decision decision = decide(sagas.find(id), delivery.event, now);
        if (decision.orphan) {
            out.orphan(delivery);
            continue;
        }
        if (decision.recreate) recreated.push_back({id, {}, decision.recreate});
        if (decision.next) sagas.put(id, std::move(*decision.next));
        for (auto& event : decision.events) out.emit(std::move(event), delivery.traceparent);
    }
    for (NewOrder& order : recreated) order.saga = *sagas.find(order.id);
    std::ranges::sort(recreated, {}, &NewOrder::id);
    return store_.insert(recreated) && store_.update(sagas);
}

bool place_orders(OrderStore& store, std::span<Placement> placements, Instant now,
                  BatchOutput& out) {
    std::vector<NewOrder> orders;
    orders.reserve(placements.size());
    for (Placement& placement : placements) {
        placement.order.placed_at = now;
        Decision decision = place(placement.id, placement.order);
        orders.push_back({placement.id, std::move(*decision.next), &placement.order});
        for (auto& event : decision.events) out.emit(std::move(event), placement.traceparent);
    }
    return store.insert(orders);
}

bool cancel_orders(OrderStore& store, std::span<const Cancellation> cancellations, Instant now,
                   BatchOutput& out, std::vector<std::optional<State>>& states) {
    const auto ids = messaging::distinct_orders(
        cancellations, [](const Cancellation& cancellation) { return &cancellation.id; });
    Sagas sagas = store.load(ids);
    states.clear();
    for (const Cancellation& cancellation : cancellations) {
        const Saga* saga = sagas.find(cancellation.id);
        if (!saga) {
            states.push_back(std::nullopt);
            continue;
        }
        Decision decision = cancel(cancellation.id, *saga, events::Reason::CUSTOMER, now);
        for (auto& event : decision.events) out.emit(std::move(event), cancellation.traceparent);
        if (decision.next) sagas.put(cancellation.id, std::move(*decision.next));
        states.push_back(sagas.find(cancellation.id)->state);
    }
    return store.update(sagas);
}

namespace {

class AcceptWorker final : public AcceptLoop::Worker {
public:
    explicit AcceptWorker(postgres::Connection& connection)
        : connection_(connection), store_(make_order_store(connection)) {}

    void run(messaging::UnitOfWork& work, std::vector<Placement>& batch) override {
        messaging::run_transaction(work, [&](Instant now, BatchOutput& out) {
            return place_orders(*store_, batch, now, out);
        });
        for (const Placement& placement : batch) placement.done(true);
    }

    void fail(std::vector<Placement>& batch) noexcept override {
        Sagas placed;
        try {
            const auto ids = messaging::distinct_orders(
                batch, [](const Placement& placement) { return &placement.id; });
            placed = store_->load(ids);
        } catch (const std::exception&) {  // still unreachable: the outcome stays unknown
            messaging::report_failure("accept", connection_);
        }
        for (const Placement& placement : batch) {
            placement.done(placed.find(placement.id) != nullptr);
        }
    }

private:
    postgres::Connection& connection_;
    const std::unique_ptr<OrderStore> store_;
};

class CancelWorker final : public CancelLoop::Worker {
public:
    explicit CancelWorker(postgres::Connection& connection)
        : store_(make_order_store(connection)) {}

    void run(messaging::UnitOfWork& work, std::vector<Cancellation>& batch) override {
        std::vector<std::optional<State>> states;
        messaging::run_transaction(work, [&](Instant now, BatchOutput& out) {
            return cancel_orders(*store_, batch, now, out, states);
        });
        for (std::size_t i = 0; i < batch.size(); ++i) batch[i].done({true, states[i]});
    }

    // A cancellation may simply be asked for again.
    void fail(std::vector<Cancellation>& batch) noexcept override {
        for (const Cancellation& cancellation : batch) cancellation.done({});
    }

private:
    const std::unique_ptr<OrderStore> store_;
};

}  // namespace

AcceptLoop::MakeWorker accept_worker() {
    return [](postgres::Connection& connection) {
        return std::make_unique<AcceptWorker>(connection);
    };
}

CancelLoop::MakeWorker cancel_worker() {
    return [](postgres::Connection& connection) {
        return std::make_unique<CancelWorker>(connection);
    };
}

}  // namespace orderflow::order
