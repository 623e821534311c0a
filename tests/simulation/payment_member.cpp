// A process of payment-service: consumer, relay, gateway calls on an io_context of their own, and
// the step that saves the results of calls and looks for calls that were lost from memory.
#include <stdexcept>

#include <boost/asio/io_context.hpp>

#include "loops/batch.hpp"
#include "outbox/unit_of_work.hpp"
#include "payment/payment_results.hpp"
#include "payment/payment_handler.hpp"
#include "simulation/members.hpp"
#include "simulation/mutants.hpp"

namespace orderflow::simulation {
namespace {

using outbox::BatchOutput;
using payment::GatewayResult;

// Never waits: time is simulated.
constexpr GatherLimits kTakeAtOnce{.max_records = 100, .gather_time = std::chrono::milliseconds{0}};
constexpr std::chrono::milliseconds kNow{0};

// The simulation reads no metrics.
payment::PaymentMetrics& metrics() {
    static prometheus::Registry registry;
    static payment::PaymentMetrics metrics(registry);
    return metrics;
}

// The rows that a result step works on; some of them cannot be handled for a while.
class PoisonedStore final : public payment::PaymentStore {
public:
    PoisonedStore(std::unique_ptr<PaymentStore> inner, Poison& poison, World& world)
        : inner_(std::move(inner)), poison_(poison), world_(world) {}

    payment::Payments load(std::span<const OrderId> ids) override {
        for (const OrderId& id : ids) {
            if (!poison_.strikes(id)) continue;
            world_.note("  the result of ", id, " is poisoned");
            throw std::runtime_error(std::string(kPoisoned));
        }
        return inner_->load(ids);
    }
    bool save(const payment::Payments& payments) override { return inner_->save(payments); }
    std::vector<payment::OpenPayment> find_open(std::span<const OrderId> ids) override {
        return inner_->find_open(ids);
    }
    payment::OpenPage scan_open(const OrderId& after, const OrderId& upto,
                                std::int64_t rows) override {
        return inner_->scan_open(after, upto, rows);
    }

private:
    const std::unique_ptr<PaymentStore> inner_;
    Poison& poison_;
    World& world_;
};

class PaymentMemory final : public Memory, payment::ResultWatcher {
public:
    PaymentMemory(Shop& shop, const Victim& victim, const std::string& name)
        : shop_(shop),
          world_(shop.world),
          name_(name),
          gateway_(shop.wire, {&victim, events::Service::payment, Step::call}, io_),
          port_(mutants::gateway(world_.mutant, gateway_)),
          results_(64, kTakeAtOnce),
          calls_(io_, *port_, results_),
          consumer_(world_, shop.broker, shop.payments, shop.poison, victim, name,
                    [&](Session& session) { return make_handler(session); }),
          relay_(world_, shop.broker, shop.payments, victim, name),
          saving_(world_, shop.payments, {&victim, events::Service::payment, Step::results}),
          saved_(make_store(saving_), shop.poison, world_),
          settling_(world_, shop.payments, {&victim, events::Service::payment, Step::settle}),
          results_step_(saving_, saved_, calls_, *this, world_.now) {
        loops = {{[this] { return consumer_.step(); }},
                 {[this] { return relay_.step(); }},
                 {[this] { return call(); }},
                 {[this] { return save_results() || recover(); }},
                 {[this] { return settle_by_hand(); }}};
    }

    bool idle() const override {
        return consumer_.idle() && relay_.idle() && results_.size() == 0 &&
               results_step_.in_hand().empty();
    }

private:
    std::unique_ptr<payment::PaymentStore> make_store(Session& session) {
        return mutants::store(world_.mutant,
                              std::make_unique<PaymentStore>(session, shop_.payments));
    }

    std::unique_ptr<loops::BatchHandler> make_handler(Session& session) {
        const auto submit = [this, &session](std::vector<payment::Call> due) {
            world_.reach(session.place(), Effect::submit);
            calls_.submit(std::move(due));
        };
        return std::make_unique<payment::PaymentHandler>(make_store(session), submit, metrics());
    }

    // Corresponds to the io thread: the ready handlers run, then one exchange moves.
    bool call() {
        io_.restart();
        io_.poll();
        if (!gateway_.step()) return false;
        io_.restart();
        io_.poll();
        return true;
    }

    // Corresponds to one turn of the loop of ResultThread in payment_results.cpp.
    bool save_results() {
        saving_.set_step(Step::results);
        if (results_step_.in_hand().empty() && results_.size() == 0) return false;
        results_step_.take(results_, kNow);
        try {
            results_step_.commit(world_.now);
        } catch (const std::exception& error) {
            world_.note(name_, " cannot save results: ", error.what());
            note_lost_alarms();
        } catch (const Crash&) {
            note_lost_alarms();
            throw;
        }
        return true;
    }

    bool recover() {
        saving_.set_step(Step::recovery);
        try {
            return results_step_.recover(world_.now).value_or(0) > 0;
        } catch (const std::exception& error) {
            world_.note(name_, " cannot look for calls: ", error.what());
            return false;
        }
    }

    // Records the orders of these results: whether they are committed or not, no alarm was raised
    // for them.
    void note_lost_alarms() {
        for (const GatewayResult& result : results_step_.in_hand()) {
            shop_.alarms_lost.insert(result.id);
        }
    }

    void committed(std::span<const GatewayResult>,
                   const payment::PaymentMetrics::EventCounts&) override {}
    void failed(const OrderId& id, const std::string& what) override {
        world_.note(name_, " cannot handle the result of ", id, ": ", what);
    }
    void raised(const OrderId& id, payment::Alarm alarm) override {
        world_.note(name_, " raises an alarm over ", id);
        shop_.alarms.emplace_back(id, alarm);
    }

    bool settle_by_hand() {
        const auto wanted = shop_.clients.settlement(shop_.payments, shop_.wire.ledger());
        if (!wanted) return false;
        world_.note("an operator settles ", wanted->id);
        const auto store = make_store(settling_);
        try {
            bool settled = false;
            outbox::run_transaction(settling_, [&](Instant now, BatchOutput& out) {
                return payment::settle_payment(*store, wanted->id, wanted->as, "operator", now, out,
                                               settled);
            });
        } catch (const std::exception& error) {
            world_.note("cannot settle: ", error.what());
        }
        return true;
    }

    Shop& shop_;
    World& world_;
    const std::string& name_;
    boost::asio::io_context io_;  // outlives the coroutines that run on it
    SimulatedGateway gateway_;
    const std::unique_ptr<payment::Gateway> port_;
    BatchQueue<GatewayResult> results_;
    payment::Calls calls_;
    ConsumerThread consumer_;
    RelayThread relay_;
    Session saving_;
    PoisonedStore saved_;
    Session settling_;
    payment::ResultStep results_step_;
};

}  // namespace

std::unique_ptr<Memory> payment_memory(Shop& shop, const Victim& victim, const std::string& name) {
    return std::make_unique<PaymentMemory>(shop, victim, name);
}

}  // namespace orderflow::simulation
