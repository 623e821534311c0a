#include "simulation/gateway.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace orderflow::simulation {

namespace asio = boost::asio;
using http::ClientResult;
using payment::CallKind;

namespace {

constexpr std::chrono::seconds kCallTimeout{3};
constexpr std::chrono::seconds kSlow{60};

ClientResult response(int status, std::string body) {
    ClientResult result;
    result.status = status;
    result.body = std::move(body);
    return result;
}

ClientResult no_response(std::string error) {
    ClientResult result;
    result.error = std::move(error);
    return result;
}

std::string money(std::int64_t amount) {
    return "\"amount\":" + std::to_string(amount) + ",\"currency\":\"KRW\"";
}

ClientResult captured(const OrderId& id, std::int64_t amount) {
    return response(200, "{\"key\":\"charge:" + id.to_string() +
                             "\",\"status\":\"captured\",\"chargeId\":\"" + charge_id_of(id) +
                             "\"," + money(amount) + "}");
}

ClientResult declined(const Charge& charge) {
    if (charge.token == "tok_declined") return response(402, "{\"reason\":\"CARD_DECLINED\"}");
    return response(422, "{\"reason\":\"CARD_TOKEN_UNKNOWN\"}");
}

ClientResult key_cancelled() { return response(409, "{\"type\":\"key_cancelled\"}"); }

}  // namespace

std::string charge_id_of(const OrderId& order) { return "ch_" + order.to_string(); }

const Charge* GatewayLedger::find(const OrderId& id) const {
    const auto found = charges_.find(id);
    return found == charges_.end() ? nullptr : &found->second;
}

Charge& GatewayLedger::at(const OrderId& id, Instant now) {
    Charge& charge = charges_[id];
    if (charge.state == Charge::State::processing && now >= charge.captured_after) {
        charge.state = Charge::State::captured;
        ++charge.captures;
    }
    return charge;
}

std::optional<ClientResult> GatewayLedger::charge(const payment::Call& call, Instant now) {
    Charge& charge = at(call.id, now);
    if (charge.cancelled()) return key_cancelled();
    if (charge.state == Charge::State::processing) return std::nullopt;
    if (charge.state == Charge::State::captured) return captured(call.id, charge.amount.amount);
    if (charge.state == Charge::State::declined) return declined(charge);
    charge.amount = call.amount;
    charge.token = call.token;
    if (call.token == "tok_500_then_ok" && !std::exchange(charge.failed_once, true)) {
        return response(500, "{}");
    }
    if (call.token == "tok_slow_60s") {
        charge.state = Charge::State::processing;
        charge.captured_after = now + kSlow;
        return std::nullopt;
    }
    if (call.token != "tok_ok" && call.token != "tok_500_then_ok" &&
        call.token != "tok_charge_then_timeout") {
        charge.state = Charge::State::declined;
        return declined(charge);
    }
    charge.state = Charge::State::captured;
    ++charge.captures;
    if (call.token == "tok_charge_then_timeout") return std::nullopt;
    return captured(call.id, charge.amount.amount);
}

ClientResult GatewayLedger::cancel(const OrderId& id, Instant now) {
    Charge& charge = at(id, now);
    switch (charge.state) {
        case Charge::State::captured:
            charge.state = Charge::State::refunded;
            ++charge.refunds;
            break;
        case Charge::State::declined: charge.state = Charge::State::void_declined; break;
        case Charge::State::none:
        case Charge::State::processing: charge.state = Charge::State::never_charged; break;
        case Charge::State::refunded:
        case Charge::State::void_declined:
        case Charge::State::never_charged: break;
    }
    if (charge.state == Charge::State::refunded) {
        return response(200, "{\"status\":\"refunded\"," + money(charge.amount.amount) + "}");
    }
    return response(200, charge.state == Charge::State::void_declined
                             ? "{\"status\":\"declined\"}"
                             : "{\"status\":\"never_charged\"}");
}

bool Wire::arrive() {
    std::vector<Exchanges::iterator> posted;
    for (auto exchange = exchanges_.begin(); exchange != exchanges_.end(); ++exchange) {
        if (exchange->stage == Stage::posted) posted.push_back(exchange);
    }
    if (posted.empty()) return false;
    const auto exchange = world_.random.one_of(posted);
    apply(*exchange);
    if (!exchange->caller) exchanges_.erase(exchange);
    return true;
}

void Wire::apply(Exchange& exchange) {
    const OrderId id = exchange.call.id;
    const bool wrong = world_.random.percent(world_.faults.gateway);
    exchange.stage = Stage::answered;
    if (wrong && world_.random.percent(30)) {
        const bool lost = world_.random.percent(50);
        world_.note("gateway: request of ", id, " never arrives");
        exchange.answer = lost ? no_response("timeout") : response(404, "<html>no such page");
        return;
    }
    watch(id, exchange.cancel());
    const auto answer = exchange.cancel() ? ledger_.cancel(id, world_.now)
                                          : ledger_.charge(exchange.call, world_.now);
    exchange.answer = answer.value_or(no_response("timeout"));
    world_.note("gateway: ", exchange.cancel() ? "cancel" : "charge", " of ", id, ", answer ",
                exchange.answer.status, " ", exchange.answer.body);
    if (wrong) exchange.answer = spoilt(exchange);
}

// Returns the wrong answer that the caller gets, although the request took effect.
ClientResult Wire::spoilt(const Exchange& exchange) {
    const int kind = static_cast<int>(world_.random.below(9));
    const bool charged = !exchange.cancel() && exchange.answer.status == 200;
    world_.note("  but the caller gets wrong answer ", kind);
    switch (kind) {
        case 0: return response(500, "{}");
        case 1: return response(404, "{}");
        case 2: return response(409, "{}");
        case 3: return response(429, "{}");
        case 4: return response(200, "<html>");
        case 5:
            if (charged) return captured(exchange.call.id, 7);  // another amount
            return response(401, "");
        case 6: return captured({}, exchange.call.amount.amount);  // another order's charge
        default: return no_response("reset");
    }
}

SimulatedGateway::~SimulatedGateway() {
    std::list<Wire::Exchange> dying;  // their coroutines may refer to each other
    for (auto at = wire_.exchanges_.begin(); at != wire_.exchanges_.end();) {
        const auto exchange = at++;
        if (exchange->caller != this) continue;
        if (exchange->stage == Wire::Stage::posted) {
            exchange->caller = nullptr;  // still on the wire
            exchange->resume = nullptr;
        } else {
            dying.splice(dying.end(), wire_.exchanges_, exchange);
        }
    }
}

asio::awaitable<payment::ChargeResult> SimulatedGateway::charge(payment::Call call) {
    const OrderId id = call.id;
    const ClientResult answer = co_await exchange(std::move(call));
    co_return payment::charge_result(id, answer);
}

asio::awaitable<payment::CancelResult> SimulatedGateway::cancel(OrderId id) {
    payment::Call call;
    call.id = id;
    call.kind = CallKind::cancel;
    const ClientResult answer = co_await exchange(std::move(call));
    co_return payment::cancel_result(id, answer);
}

asio::awaitable<ClientResult> SimulatedGateway::exchange(payment::Call call) {
    auto hold = [this, &call](auto resume) {
        Wire::Exchange& held = wire_.exchanges_.emplace_back();
        held.call = std::move(call);
        held.caller = this;
        held.begun = wire_.world_.now;
        held.resume = std::move(resume);
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(ClientResult)>(
        hold, asio::use_awaitable);
}

bool SimulatedGateway::step() {
    std::vector<Wire::Exchanges::iterator> ready;
    const Instant now = wire_.world_.now;
    for (auto at = wire_.exchanges_.begin(); at != wire_.exchanges_.end(); ++at) {
        if (at->caller != this) continue;
        if (at->stage != Wire::Stage::posted || now >= at->begun + kCallTimeout) {
            ready.push_back(at);
        }
    }
    if (ready.empty()) return false;
    const auto exchange = wire_.world_.random.one_of(ready);
    switch (exchange->stage) {
        case Wire::Stage::held: post(*exchange); break;
        case Wire::Stage::posted: finish(exchange, no_response("timeout")); break;
        case Wire::Stage::answered: finish(exchange, exchange->answer); break;
    }
    return true;
}

void SimulatedGateway::post(Wire::Exchange& exchange) {
    wire_.world_.reach(place_, Effect::before_post);
    wire_.world_.note("posts the ", exchange.cancel() ? "cancel" : "charge", " of ",
                      exchange.call.id);
    exchange.stage = Wire::Stage::posted;
    wire_.world_.reach(place_, Effect::after_post);
}

// The caller continues; a request that is still on the wire stays there.
void SimulatedGateway::finish(Wire::Exchanges::iterator exchange, ClientResult answer) {
    wire_.world_.note("the call of ", exchange->call.id, " ends: ", answer.status, " ",
                      answer.error);
    asio::post(io_, [resume = std::move(exchange->resume), answer = std::move(answer)]() mutable {
        std::move(resume)(std::move(answer));
    });
    if (exchange->stage == Wire::Stage::posted) {
        exchange->caller = nullptr;
    } else {
        wire_.exchanges_.erase(exchange);
    }
}

}  // namespace orderflow::simulation
