#include "payment/payment_gateway.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "events/codec.hpp"
#include "json/json.hpp"
#include "http/retry_after.hpp"

namespace orderflow::payment {

// What goes over the wire, as described structs: the codec's view of the gateway.
struct ChargeBody {
    std::string key;
    std::int64_t amount = 0;
    Currency currency;
    std::string token;
};
BOOST_DESCRIBE_STRUCT(ChargeBody, (), (key, amount, currency, token))

// `key`: the charge that the answer is about, if the gateway includes it.
struct CapturedBody {
    json::Nullable<std::string> key;
    std::string status;
    std::string charge_id;
    std::int64_t amount = 0;
    Currency currency;
};
BOOST_DESCRIBE_STRUCT(CapturedBody, (), (key, status, charge_id, amount, currency))

struct DeclinedBody {
    json::Nullable<std::string> key;
    json::Nullable<std::string> reason;
};
BOOST_DESCRIBE_STRUCT(DeclinedBody, (), (key, reason))

struct CancelledBody {
    json::Nullable<std::string> key;
    std::string status;
    json::Nullable<std::int64_t> amount;
    json::Nullable<Currency> currency;
};
BOOST_DESCRIBE_STRUCT(CancelledBody, (), (key, status, amount, currency))

}  // namespace orderflow::payment

namespace orderflow::json {
template <>
inline constexpr auto kLimits<payment::CapturedBody> =
    std::tuple{length(&payment::CapturedBody::charge_id, 1, 64)};
}  // namespace orderflow::json

namespace orderflow::payment {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kCallTimeout{3'000};
constexpr std::array<std::size_t, kCallKinds> kCoroutines{1'024, 128, 128};
constexpr std::array<std::size_t, kCallKinds> kWaiting{8'192, 2'048, 4'096};
constexpr std::size_t kOverflow = 50'000;  // ids
constexpr milliseconds kResultsFull{20};   // until a full result queue is tried again

http::ClientLimits client_limits() {
    http::ClientLimits limits;
    limits.requests = kCoroutines[0] + kCoroutines[1] + kCoroutines[2];
    return limits;
}

std::string key_of(const OrderId& id) { return "charge:" + id.to_string(); }

// Reads an answer. An answer about another charge (mixed up by the gateway or on the way) is
// unreadable.
template <class Body>
Result<Body> read(const OrderId& id, const std::string& body) {
    auto answer = json::read_json<Body>(body, json::UnknownMembers::ignore);
    if (!answer || answer->key.value_or(key_of(id)) == key_of(id)) return answer;
    return Error{"another-charge", "names another charge: " + *answer->key, "/key"};
}

Unclear unreadable(const Error& error) {
    return {"unreadable answer: " + error.code + ": " + events::place_and_detail(error)};
}

Unclear unclear(const http::ClientResult& answer) {
    if (!answer.is_response()) return {answer.error};
    Unclear result{"status " + std::to_string(answer.status)};
    if (answer.status == 429 || answer.status == 503) {
        result.not_before = http::retry_after(answer.headers);
    }
    return result;
}

ChargeResult captured(const OrderId& id, const std::string& body) {
    auto answer = read<CapturedBody>(id, body);
    if (!answer) return unreadable(answer.error());
    if (answer->status != "captured") return Unclear{"status \"" + answer->status + "\""};
    return Captured{std::move(answer->charge_id), {answer->amount, answer->currency}};
}

// The HTTP status decides, but a body must come from the gateway, and not, for example, from a
// proxy's error page.
ChargeResult declined(const OrderId& id, const std::string& body) {
    Declined declined{events::PaymentRejection::CARD_DECLINED};
    if (body.empty()) return declined;
    const auto answer = read<DeclinedBody>(id, body);
    if (!answer) return unreadable(answer.error());
    if (answer->reason.value_or("") == "CARD_TOKEN_UNKNOWN") {
        declined.reason = events::PaymentRejection::CARD_TOKEN_UNKNOWN;
    }
    return declined;
}

bool within_limits(std::int64_t amount) { return amount >= 0 && amount <= events::kMaxTotal; }

}  // namespace

ChargeResult charge_result(const OrderId& id, const http::ClientResult& answer) {
    if (!answer.is_response()) return unclear(answer);
    switch (answer.status) {
        case 200:
        case 201: return captured(id, answer.body);
        case 400:
        case 402:
        case 422: return declined(id, answer.body);
        default: return unclear(answer);
    }
}

CancelResult cancel_result(const OrderId& id, const http::ClientResult& answer) {
    if (!answer.is_response() || answer.status != 200) return unclear(answer);
    const auto body = read<CancelledBody>(id, answer.body);
    if (!body) return unreadable(body.error());
    if (body->status == "declined" || body->status == "never_charged") return NothingTaken{};
    const bool refunded = body->status == "refunded" && body->amount && body->currency;
    if (!refunded || !within_limits(*body->amount)) {
        return Unclear{"status \"" + body->status + "\" without a usable amount"};
    }
    return Refunded{{*body->amount, *body->currency}};
}

HttpGateway::HttpGateway(asio::io_context& io, const http::ClientSettings& settings)
    : client_(io, settings, client_limits()) {
    if (!settings.credentials_file.empty() && !settings.origin.starts_with("https:")) {
        spdlog::warn("gateway: the credentials go to {} unencrypted", settings.origin);
    }
}

asio::awaitable<ChargeResult> HttpGateway::charge(Call call) {
    const ChargeBody charge{key_of(call.id), call.amount.amount, call.amount.currency, call.token};
    std::string body = json::to_json(charge);
    const http::ClientResult answer =
        co_await client_.request("POST", "/v1/charges", std::move(body), kCallTimeout);
    co_return charge_result(call.id, answer);
}

asio::awaitable<CancelResult> HttpGateway::cancel(OrderId id) {
    std::string target = "/v1/charges/" + key_of(id) + "/cancel";
    const http::ClientResult answer =
        co_await client_.request("POST", std::move(target), std::string(), kCallTimeout);
    co_return cancel_result(id, answer);
}

Calls::Calls(asio::io_context& io, Gateway& gateway, BatchQueue<GatewayResult>& results)
    : io_(io), gateway_(gateway), results_(results) {
    for (std::size_t i = 0; i < kCallKinds; ++i) {
        pools_[i].limit = kCoroutines[i];
        pools_[i].capacity = kWaiting[i];
    }
}

void Calls::submit(std::vector<Call> calls) {
    std::array<std::size_t, kCallKinds> new_coroutines{};
    {
        const std::lock_guard lock(mutex_);
        if (draining_) return;
        for (Call& call : calls) {
            const CallKind kind = call.kind;
            if (!enqueue(std::move(call)) || pool(kind).running == pool(kind).limit) continue;
            ++pool(kind).running;
            ++new_coroutines[static_cast<std::size_t>(kind)];
        }
    }
    for (std::size_t i = 0; i < kCallKinds; ++i) start(static_cast<CallKind>(i), new_coroutines[i]);
}

// With the mutex held. False: the call is known or dropped.
bool Calls::enqueue(Call&& call) {
    Pool& to = pool(call.kind);
    auto& known = in_flight(call.kind == CallKind::cancel);
    if (to.waiting.size() >= to.capacity) {
        if (known.contains(call.id)) return false;
        if (overflow_.ids.size() < kOverflow) {
            overflow_.ids.push_back(call.id);
        } else {
            overflow_.lost_from = std::min(overflow_.lost_from.value_or(call.id), call.id);
        }
        return false;
    }
    if (!known.insert(call.id).second) return false;
    to.waiting.push_back(std::move(call));
    return true;
}

void Calls::start(CallKind kind, std::size_t coroutines) {
    if (coroutines == 0) return;
    asio::post(io_, [this, kind, coroutines] {
        for (std::size_t i = 0; i < coroutines; ++i) {
            asio::co_spawn(io_, work(kind), asio::detached);
        }
    });
}

std::optional<Call> Calls::next(CallKind kind) {
    const std::lock_guard lock(mutex_);
    Pool& from = pool(kind);
    if (from.waiting.empty() || draining_) {
        --from.running;
        return std::nullopt;
    }
    Call call = std::move(from.waiting.front());
    from.waiting.pop_front();
    return call;
}

asio::awaitable<void> Calls::work(CallKind kind) {
    while (auto call = next(kind)) {
        GatewayResult result = co_await make(std::move(*call));
        co_await deliver(std::move(result));
    }
}

asio::awaitable<GatewayResult> Calls::make(Call call) {
    GatewayResult result;
    result.id = call.id;
    const bool cancel = call.kind == CallKind::cancel;
    try {
        if (cancel) {
            result.outcome = co_await gateway_.cancel(call.id);
        } else {
            result.outcome = co_await gateway_.charge(std::move(call));
        }
    } catch (const std::exception& error) {  // the top of this loop: the call must get a result
        if (cancel) {
            result.outcome = CancelResult{Unclear{error.what()}};
        } else {
            result.outcome = ChargeResult{Unclear{error.what()}};
        }
    }
    co_return result;
}

// Waits while nobody takes the results (the database is down): then no further calls are made.
asio::awaitable<void> Calls::deliver(GatewayResult result) {
    // push() moves the result only if it takes it. NOLINTNEXTLINE(bugprone-use-after-move)
    while (!results_.push(std::move(result)) && !results_.closed()) {
        asio::steady_timer timer(io_, kResultsFull);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

void Calls::committed(std::span<const GatewayResult> results) {
    const std::lock_guard lock(mutex_);
    for (const GatewayResult& result : results) {
        in_flight(std::holds_alternative<CancelResult>(result.outcome)).erase(result.id);
    }
}

Calls::Overflow Calls::take_overflow() {
    const std::lock_guard lock(mutex_);
    return std::exchange(overflow_, {});
}

Calls::Load Calls::load(CallKind kind) const {
    const std::lock_guard lock(mutex_);
    const Pool& pool = pools_[static_cast<std::size_t>(kind)];
    return {pool.running, pool.waiting.size(), pool.capacity - pool.waiting.size()};
}

bool Calls::busy() const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(pools_, [](const Pool& pool) { return pool.running > 0; });
}

void Calls::drain(milliseconds at_most) {
    {
        const std::lock_guard lock(mutex_);
        draining_ = true;
    }
    const auto end = steady_clock::now() + at_most;
    io_.restart();
    while (busy() && io_.run_one_until(end) > 0) {}
}

}  // namespace orderflow::payment
