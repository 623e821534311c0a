// A process of payment-service: consumer, relay, calls on an io_context of their own, and the loop
// that saves their results and looks for calls that memory has lost.
#include <boost/asio/io_context.hpp>

#include "payment/payment_recovery.hpp"
#include "payment/payment_service.hpp"
#include "simulation/members.hpp"
#include "simulation/mutants.hpp"

namespace orderflow::simulation {
namespace {

using messaging::BatchOutput;
using payment::GatewayResult;

// Never waits: time is simulated.
constexpr GatherLimits kTakeAtOnce{100, 100, std::chrono::milliseconds{0}};
constexpr std::chrono::milliseconds kNow{0};
constexpr std::chrono::milliseconds kRecoveryTick{200};

// Nobody reads them here.
payment::PaymentMetrics& metrics() {
    static prometheus::Registry registry;
    static payment::PaymentMetrics metrics(registry);
    return metrics;
}

class PaymentMemory final : public Memory {
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
          looking_(world_, shop.payments, {&victim, events::Service::payment, Step::recovery}),
          settling_(world_, shop.payments, {&victim, events::Service::payment, Step::settle}),
          recovery_(world_.now) {
        loops = {{[this] { return consumer_.step(); }},
                 {[this] { return relay_.step(); }},
                 {[this] { return call(); }},
                 {[this] { return settle_results() || recover(); }},
                 {[this] { return settle_by_hand(); }}};
    }

    bool idle() const override {
        return consumer_.idle() && relay_.idle() && results_.size() == 0 && batch_.empty();
    }

private:
    std::unique_ptr<payment::PaymentStore> make_store(Session& session) {
        return mutants::store(world_.mutant,
                              std::make_unique<PaymentStore>(session, shop_.payments));
    }

    std::unique_ptr<messaging::BatchHandler> make_handler(Session& session) {
        const auto submit = [this, &session](std::vector<payment::Call> due) {
            world_.reach(session.place(), Effect::submit);
            calls_.submit(std::move(due));
        };
        return std::make_unique<
            messaging::StoreHandler<payment::PaymentService, payment::PaymentStore>>(
            make_store(session), submit, metrics());
    }

    // The io thread: what is ready runs, then one exchange moves.
    bool call() {
        io_.restart();
        io_.poll();
        if (!gateway_.step()) return false;
        io_.restart();
        io_.poll();
        return true;
    }

    // As Settler in payment_service.cpp, here and below. A batch that cannot be saved is kept.
    bool settle_results() {
        if (batch_.empty() && results_.size() > 0) batch_ = results_.take(kNow);
        if (batch_.empty()) return false;
        const auto store = make_store(saving_);
        try {
            const auto report = payment::commit_results(saving_, *store, batch_);
            calls_.settled(batch_);
            recovery_.settled(batch_, world_.now, report.alarms);
            for (const auto& [id, what] : report.failed) recovery_.failed(id, world_.now);
            for (const auto& alarm : report.alarms) sound(alarm.first, alarm.second);
            batch_.clear();
        } catch (const std::exception& error) {
            world_.note(name_, " cannot save results: ", error.what());
            unheard();
        } catch (const Crash&) {
            unheard();
            throw;
        }
        return true;
    }

    // Committed or not: whatever the results led to, nobody was told.
    void unheard() {
        for (const GatewayResult& result : batch_) shop_.unheard.insert(result.id);
    }

    void sound(const OrderId& id, payment::Alarm alarm) {
        world_.note(name_, " raises an alarm over ", id);
        shop_.alarms.emplace_back(id, alarm);
    }

    bool recover() {
        if (world_.now < next_look_) return false;
        next_look_ = world_.now + kRecoveryTick;
        const auto store = make_store(looking_);
        const std::size_t before = recovery_.calls_made();
        try {
            recovery_.step(*store, calls_, world_.now);
        } catch (const std::exception& error) {
            world_.note(name_, " cannot look for calls: ", error.what());
        }
        return recovery_.calls_made() > before;
    }

    bool settle_by_hand() {
        const auto wanted = shop_.clients.settlement(shop_.payments, shop_.wire.ledger());
        if (!wanted) return false;
        world_.note("an operator settles ", wanted->id);
        const auto store = make_store(settling_);
        try {
            bool settled = false;
            messaging::run_transaction(settling_, [&](Instant now, BatchOutput& out) {
                return payment::settle_payment(*store, wanted->id, wanted->as, "operator", now,
                                               out, settled);
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
    Session looking_;
    Session settling_;
    payment::Recovery recovery_;
    std::vector<GatewayResult> batch_;
    Instant next_look_{};
};

}  // namespace

std::unique_ptr<Memory> payment_memory(Shop& shop, const Victim& victim, const std::string& name) {
    return std::make_unique<PaymentMemory>(shop, victim, name);
}

}  // namespace orderflow::simulation
