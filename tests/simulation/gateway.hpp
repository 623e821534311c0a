#pragma once
// The payment gateway, written a second time from the contract in the design and not from the
// sandbox: a ledger with one serial history per order, and the wire to it. On the wire, exchanges
// get lost, come late, or outlive their caller. One thread.
//
// An exchange is a coroutine of the production code that waits in SimulatedGateway. It is first
// held in the memory of the process until it is posted, then it is on the wire until it arrives,
// then it is answered. A posted request may take effect long after its caller gave up or died.
// posted may take effect long after its caller gave up or died.
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/io_context.hpp>

#include "payment/payment_gateway.hpp"
#include "simulation/world.hpp"

namespace orderflow::simulation {

std::string charge_id_of(const OrderId& order);

// The gateway's state of one order's charge.
struct Charge {
    enum class State {
        none,
        processing,
        captured,
        declined,
        refunded,
        void_declined,
        never_charged
    };
    State state = State::none;
    Money amount;
    std::string token;
    bool failed_once = false;  // tok_500_then_ok
    Instant captured_after{};  // tok_slow_60s
    int captures = 0;
    int refunds = 0;

    bool cancelled() const {
        return state == State::refunded || state == State::void_declined ||
               state == State::never_charged;
    }
    std::int64_t net() const { return amount.amount * (captures - refunds); }
};

class GatewayLedger {
public:
    // Returns the answer; nullopt if none will come in time.
    std::optional<http::ClientResult> charge(const payment::Call& call, Instant now);
    http::ClientResult cancel(const OrderId& id, Instant now);

    const Charge* find(const OrderId& id) const;
    const std::map<OrderId, Charge>& charges() const { return charges_; }

private:
    Charge& at(const OrderId& id, Instant now);

    std::map<OrderId, Charge> charges_;
};

class Wire {
public:
    explicit Wire(World& world) : world_(world) {}

    const GatewayLedger& ledger() const { return ledger_; }
    bool idle() const { return exchanges_.empty(); }

    // Called with the order of each request when the request takes effect.
    std::function<void(const OrderId&, bool cancel)> watch = [](const OrderId&, bool) {};

    // A request on the wire arrives, is lost, or gets a wrong answer. Returns false if the wire is
    // empty.
    bool arrive();

private:
    friend class SimulatedGateway;

    enum class Stage { held, posted, answered };
    struct Exchange {
        payment::Call call;
        const void* caller = nullptr;  // null: no caller waits for the answer any more
        Stage stage = Stage::held;
        Instant begun{};
        http::ClientResult answer;
        boost::asio::any_completion_handler<void(http::ClientResult)> resume;

        bool cancel() const { return call.kind == payment::CallKind::cancel; }
    };
    using Exchanges = std::list<Exchange>;

    void apply(Exchange& exchange);
    http::ClientResult spoilt(const Exchange& exchange);

    World& world_;
    GatewayLedger ledger_;
    Exchanges exchanges_;
};

// The port; each process has one. Its coroutines run on `io`, which must outlive it.
class SimulatedGateway final : public payment::Gateway {
public:
    SimulatedGateway(Wire& wire, const Place& place, boost::asio::io_context& io)
        : wire_(wire), place_(place), io_(io) {}
    ~SimulatedGateway() override;

    boost::asio::awaitable<payment::ChargeResult> charge(payment::Call call) override;
    boost::asio::awaitable<payment::CancelResult> cancel(OrderId id) override;

    // Moves one of this process's exchanges: posts it, takes its answer, or gives it up. Returns
    // false if there is none to move.
    bool step();

private:
    boost::asio::awaitable<http::ClientResult> exchange(payment::Call call);
    void post(Wire::Exchange& exchange);
    void finish(Wire::Exchanges::iterator exchange, http::ClientResult answer);

    Wire& wire_;
    const Place place_;
    boost::asio::io_context& io_;
};

}  // namespace orderflow::simulation
