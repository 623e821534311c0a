#include "simulation/members.hpp"

#include <algorithm>

#include "analytics/timeline/timeline_handler.hpp"
#include "core/enums.hpp"
#include "inventory/inventory_handler.hpp"
#include "kafka/caught_up.hpp"
#include "kafka/topic_layout.hpp"
#include "order/saga/deadline.hpp"
#include "order/saga/saga_commands.hpp"
#include "order/saga/saga_handler.hpp"
#include "outbox/unit_of_work.hpp"
#include "shipping/shipping_handler.hpp"
#include "simulation/mutants.hpp"
#include "support/commands.hpp"
#include "support/memory_keys.hpp"

namespace orderflow::simulation {
namespace {

using outbox::BatchOutput;
using outbox::run_transaction;

constexpr std::chrono::seconds kDeadlineTick{1};
constexpr std::chrono::seconds kCaughtUp{3};
constexpr std::chrono::seconds kOneLook{5};  // records that arrived later than that may be unread

class OrderMemory final : public Memory {
public:
    OrderMemory(Shop& shop, const Victim& victim, const std::string& name)
        : shop_(shop),
          world_(shop.world),
          name_(name),
          consumer_(world_, shop.broker, shop.orders, shop.poison, victim, name,
                    [&shop](Session& session) {
                        return std::make_unique<order::SagaHandler>(make_store(shop, session));
                    }),
          relay_(world_, shop.broker, shop.orders, victim, name),
          accepting_(world_, shop.orders, {&victim, events::Service::order, Step::accept}),
          cancelling_(world_, shop.orders, {&victim, events::Service::order, Step::cancel}),
          deadlines_(world_, shop.orders, {&victim, events::Service::order, Step::deadline}),
          caught_up_(Broker::consumed_topics(events::Service::order),
                     Broker::consumed_topics(events::Service::order), kCaughtUp, kPartitions),
          deadline_(shop.deadline_age) {
        loops = {{[this] { return consumer_.step(); }},
                 {[this] { return relay_.step(); }},
                 {[this] { return accept(); }},
                 {[this] { return cancel(); }},
                 {[this] { return cancel_late_ones(); }}};
    }

    bool idle() const override { return consumer_.idle() && relay_.idle(); }

private:
    static std::unique_ptr<order::SagaStore> make_store(Shop& shop, Session& session) {
        return mutants::store(shop.world.mutant, std::make_unique<SagaStore>(session, shop.orders));
    }

    bool accept() {
        std::vector<order::Placement> batch = shop_.clients.placements();
        if (batch.empty()) return false;
        for (const auto& placement : batch) {
            world_.note(name_, " is asked to place ", placement.id, " paid by ",
                        placement.order.payment.token);
        }
        // No client sends an idempotency key.
        const auto place = order::place_orders(make_store(shop_, accepting_),
                                               std::make_shared<test::MemoryKeys>());
        try {
            test::carry_out(accepting_, place, batch);
            shop_.clients.accepted(batch);
        } catch (const std::exception& error) {
            world_.note(name_, " answers 503: ", error.what());
        }
        return true;
    }

    bool cancel() {
        std::vector<order::Cancellation> batch = shop_.clients.cancellations();
        if (batch.empty()) return false;
        world_.note(name_, " is asked to cancel ", batch.front().id);
        const auto cancel = order::cancel_orders(make_store(shop_, cancelling_),
                                                 std::make_shared<test::MemoryKeys>());
        try {
            test::carry_out(cancelling_, cancel, batch);
        } catch (const std::exception& error) {
            world_.note(name_, " answers 503: ", error.what());
        }
        return true;
    }

    kafka::GroupPositions positions() const {
        kafka::GroupPositions all = shop_.broker.positions(events::Service::order);
        if (world_.mutant == Mutant::deadline_knows_old_partitions) {
            for (auto& [name, layout] : all.topics) layout.partitions = kPartitions;
            std::erase_if(all.partitions,
                          [](const auto& at) { return at.partition >= kPartitions; });
        }
        return all;
    }

    // Corresponds to DeadlineThread in saga/deadline.cpp.
    bool cancel_late_ones() {
        if (world_.now < next_deadline_) return false;
        next_deadline_ = world_.now + kDeadlineTick;
        const auto store = make_store(shop_, deadlines_);
        try {
            deadline_.look(*store, world_.now);
            const auto looked = world_.steady_now();
            caught_up_.seen(positions(), looked);
            if (shop_.orders.was_held_since(world_.now - kCaughtUp)) return false;
            const auto ids = deadline_.next(
                [&](const OrderId& id) { return caught_up_.may_judge(id.to_string(), looked); });
            for (const OrderId& id : ids) {
                if (!shop_.broker.has_unread(events::Service::order, id.to_string(),
                                             world_.now - kOneLook)) {
                    continue;
                }
                world_.fail("no order is judged while events of it lie unread", "", id);
            }
            if (ids.empty()) return false;
            world_.note(name_, " finds late:", ids);
            run_transaction(deadlines_, [&](Instant now, BatchOutput& out) {
                return deadline_.cancel(*store, ids, now, out);
            });
            deadline_.done(ids);
        } catch (const std::exception& error) {
            world_.note(name_, " cannot cancel late orders: ", error.what());
        }
        return true;
    }

    Shop& shop_;
    World& world_;
    const std::string& name_;
    ConsumerThread consumer_;
    RelayThread relay_;
    Session accepting_;
    Session cancelling_;
    Session deadlines_;
    kafka::CaughtUp caught_up_;
    order::Deadline deadline_;
    Instant next_deadline_{};
};

class InventoryMemory final : public Memory {
public:
    InventoryMemory(Shop& shop, const Victim& victim, const std::string& name)
        : shop_(shop),
          name_(name),
          consumer_(shop.world, shop.broker, shop.inventory, shop.poison, victim, name,
                    [&shop](Session& session) {
                        return std::make_unique<inventory::InventoryHandler>(mutants::store(
                            shop.world.mutant,
                            std::make_unique<InventoryStore>(session, shop.inventory)));
                    }),
          relay_(shop.world, shop.broker, shop.inventory, victim, name),
          catalogue_(shop.world, shop.inventory,
                     {&victim, events::Service::inventory, Step::catalogue}) {
        loops = {{[this] { return consumer_.step(); }},
                 {[this] { return relay_.step(); }},
                 {[this] { return change_products(); }}};
    }

    bool idle() const override { return consumer_.idle() && relay_.idle(); }

private:
    bool change_products() {
        std::vector<inventory::ProductCommand> batch = shop_.merchandiser.commands();
        if (batch.empty()) return false;
        const auto change = inventory::change_products(mutants::catalogue_store(
            shop_.world.mutant, std::make_unique<InventoryStore>(catalogue_, shop_.inventory)));
        try {
            shop_.merchandiser.answered(batch, test::carry_out(catalogue_, change, batch));
        } catch (const std::exception& error) {
            shop_.world.note(name_, " answers 503: ", error.what());
        }
        return true;
    }

    Shop& shop_;
    const std::string& name_;
    ConsumerThread consumer_;
    RelayThread relay_;
    Session catalogue_;
};

class ShippingMemory final : public Memory {
public:
    ShippingMemory(Shop& shop, const Victim& victim, const std::string& name)
        : consumer_(shop.world, shop.broker, shop.shipping, shop.poison, victim, name,
                    [&shop](Session& session) {
                        return std::make_unique<shipping::ShippingHandler>(
                            mutants::store(shop.world.mutant,
                                           std::make_unique<ShippingStore>(session, shop.shipping)),
                            shipping::Settings{{"KR"}}, IdSource(shop.world.random.next()));
                    }),
          relay_(shop.world, shop.broker, shop.shipping, victim, name) {
        loops = {{[this] { return consumer_.step(); }}, {[this] { return relay_.step(); }}};
    }

    bool idle() const override { return consumer_.idle() && relay_.idle(); }

private:
    ConsumerThread consumer_;
    RelayThread relay_;
};

class AnalyticsMemory final : public Memory {
public:
    AnalyticsMemory(Shop& shop, const Victim& victim, const std::string& name)
        : consumer_(shop.world, shop.broker, shop.analytics, shop.poison, victim, name,
                    [&shop](Session& session) {
                        return std::make_unique<analytics::TimelineHandler>(
                            std::make_unique<TimelineStore>(session, shop.analytics));
                    }),
          relay_(shop.world, shop.broker, shop.analytics, victim, name) {
        loops = {{[this] { return consumer_.step(); }}, {[this] { return relay_.step(); }}};
    }

    bool idle() const override { return consumer_.idle() && relay_.idle(); }

private:
    ConsumerThread consumer_;
    RelayThread relay_;
};

}  // namespace

std::unique_ptr<Memory> order_memory(Shop& shop, const Victim& victim, const std::string& name) {
    return std::make_unique<OrderMemory>(shop, victim, name);
}

std::unique_ptr<Memory> inventory_memory(Shop& shop, const Victim& victim,
                                         const std::string& name) {
    return std::make_unique<InventoryMemory>(shop, victim, name);
}

std::unique_ptr<Memory> shipping_memory(Shop& shop, const Victim& victim, const std::string& name) {
    return std::make_unique<ShippingMemory>(shop, victim, name);
}

std::unique_ptr<Memory> analytics_memory(Shop& shop, const Victim& victim,
                                         const std::string& name) {
    return std::make_unique<AnalyticsMemory>(shop, victim, name);
}

}  // namespace orderflow::simulation
