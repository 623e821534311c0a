#include "gateway-sandbox/gateway_api.hpp"

#include <charconv>
#include <limits>
#include <stdexcept>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/describe.hpp>

#include "core/secret_file.hpp"
#include "events/codec.hpp"
#include "json/json.hpp"
#include "http/problem.hpp"

namespace orderflow::sandbox {

namespace asio = boost::asio;
using http::Request;
using http::Response;

// The names as they appear in JSON.
enum class Status { processing, captured, declined, refunded, never_charged };
enum class Refusal { key_cancelled, key_reused };

struct ChargeView {
    std::string key;
    Status status;
    std::optional<std::string> charge_id;
    std::optional<std::int64_t> amount;
    std::optional<std::string> currency;
    std::optional<std::string> reason;
};
struct RefusalView {
    std::string key;
    Refusal status;
};
struct LedgerLine {
    std::int64_t id;
    std::string key;
    EntryKind kind;
    std::int64_t amount;
    std::string currency;
    Instant at;
};

BOOST_DESCRIBE_ENUM(Status, processing, captured, declined, refunded, never_charged)
BOOST_DESCRIBE_ENUM(Refusal, key_cancelled, key_reused)
BOOST_DESCRIBE_STRUCT(ChargeRequest, (), (key, amount, currency, token))
BOOST_DESCRIBE_STRUCT(ChargeView, (), (key, status, charge_id, amount, currency, reason))
BOOST_DESCRIBE_STRUCT(RefusalView, (), (key, status))
BOOST_DESCRIBE_STRUCT(LedgerLine, (), (id, key, kind, amount, currency, at))

}  // namespace orderflow::sandbox

namespace orderflow::json {

template <>
inline constexpr auto kLimits<sandbox::ChargeRequest> =
    std::tuple{length(&sandbox::ChargeRequest::key, 1, 128),
               range(&sandbox::ChargeRequest::amount, 0, events::kMaxTotal),
               length(&sandbox::ChargeRequest::token, 1, 64)};

template <>
inline constexpr auto kLimits<sandbox::Faults> =
    std::tuple{range(&sandbox::Faults::delay_ms, 0, sandbox::kMaxDelayMs),
               range(&sandbox::Faults::jitter_ms, 0, sandbox::kMaxDelayMs),
               range(&sandbox::Faults::slow_ms, 0, sandbox::kMaxDelayMs)};
template <>
inline constexpr bool kMayLackMembers<sandbox::Faults> = true;

}  // namespace orderflow::json

namespace orderflow::sandbox {

namespace {

// All timers that end in the same tick wake the thread only once.
constexpr std::chrono::milliseconds kTick{2};
constexpr std::int64_t kMaxLedgerLimit = 10'000;

Status status_of(State state) {
    switch (state) {
        case State::processing: return Status::processing;
        case State::captured: return Status::captured;
        case State::declined:
        case State::void_declined: return Status::declined;
        case State::refunded: return Status::refunded;
        case State::never_charged: return Status::never_charged;
        case State::none:
        case State::failed_once: break;
    }
    throw std::logic_error("nothing was decided about this key");
}

bool token_unknown(const Charge& charge) {
    return behaviour_of(charge.token) == Behaviour::unknown;
}

// Returns a query parameter that is an integer in [0, max], `otherwise` if it is absent, and
// nothing if it has another value.
std::optional<std::int64_t> integer(const Request& request, std::string_view name,
                                    std::int64_t otherwise, std::int64_t max) {
    const auto text = request.query_param(name);
    if (!text) return otherwise;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    const bool good = error == std::errc{} && end == text->data() + text->size();
    return good && value >= 0 && value <= max ? std::optional(value) : std::nullopt;
}

Response bad_request(const Error& error) {
    return http::problem(400, error.code, "Invalid request", events::place_and_detail(error));
}

asio::awaitable<Response> unauthorized() {
    Response response =
        http::problem(401, "unauthorized", "Unauthorized", "A bearer token is required.");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    co_return response;
}

Response server_error() { return http::problem(500, "internal", "Internal error", "Try again."); }

}  // namespace

GatewayApi::GatewayApi(asio::io_context& io, Gateway& gateway, LedgerStore& ledger, Faults start,
                       std::string credentials_file)
    : io_(io),
      gateway_(gateway),
      ledger_(ledger),
      start_(start),
      draw_(start),
      credentials_file_(std::move(credentials_file)) {
    if (!credentials_file_.empty()) secret_in(credentials_file_);
}

http::Router GatewayApi::routes() {
    http::Router router;
    router.post("/v1/charges", guarded([this](Request r) {
                    return serve(&GatewayApi::post_charge, draw_.charge(), std::move(r));
                }));
    router.get("/v1/charges/{key}", guarded([this](Request r) {
                   return serve(&GatewayApi::get_charge, draw_.get(), std::move(r));
               }));
    router.post("/v1/charges/{key}/cancel", guarded([this](Request r) {
                    return serve(&GatewayApi::post_cancel, draw_.cancel(), std::move(r));
                }));
    router.get("/v1/ledger", guarded([this](Request r) { return get_ledger(std::move(r)); }));
    router.get("/v1/faults", [this](Request r) { return get_faults(std::move(r)); });
    router.put("/v1/faults", [this](Request r) { return put_faults(std::move(r)); });
    return router;
}

http::Handler GatewayApi::guarded(http::Handler handler) const {
    if (credentials_file_.empty()) return handler;
    return [this, handler = std::move(handler)](Request r) {
        return knows_sender(r) ? handler(std::move(r)) : unauthorized();
    };
}

bool GatewayApi::knows_sender(const Request& request) const {
    try {
        return request.header("authorization") == "Bearer " + secret_in(credentials_file_);
    } catch (const std::runtime_error&) {
        return false;  // the file is being replaced
    }
}

asio::awaitable<void> GatewayApi::sleep_until(Clock::time_point due) {
    const auto tick = std::chrono::ceil<std::chrono::milliseconds>(due.time_since_epoch()) / kTick;
    asio::steady_timer timer(io_, Clock::time_point((tick + 1) * kTick));
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> GatewayApi::settle(Decision decision, Clock::time_point due) {
    if (decision.entry) ledger_.append(std::move(*decision.entry));
    if (due > Clock::now()) co_await sleep_until(due);
    co_await ledger_.durable(decision.charge.last_entry);
}

GatewayApi::Answer GatewayApi::serve(Handler handler, Fate fate, Request request) {
    const auto arrived = Clock::now();
    Visit visit{std::move(request), fate, arrived + fate.delay, arrived + fate.slow};
    Response response;
    switch (fate.fault) {
        case Fault::unavailable:
            co_await sleep_until(visit.due);
            co_return http::problem_unavailable("The gateway is set to be unavailable.");
        case Fault::error: co_await sleep_until(visit.due); co_return server_error();
        case Fault::late:
        case Fault::never:
            response = co_await (this->*handler)(visit);
            co_await sleep_until(visit.slow_due);
            response.hang_up = fate.fault == Fault::never;
            co_return response;
        case Fault::none:
        case Fault::slow:
        case Fault::wrong_amount: co_return co_await (this->*handler)(visit);
    }
    throw std::logic_error("no such fault");
}

GatewayApi::Answer GatewayApi::post_charge(Visit& visit) {
    const auto charge =
        json::read_json<ChargeRequest>(visit.request.body, json::UnknownMembers::refuse);
    if (!charge) co_return bad_request(charge.error());
    if (charge->key == "." || charge->key == "..") {
        const Error unusable{"validation", "key: it cannot be part of a path"};
        co_return bad_request(unusable);
    }
    ledger_.require_room();
    const bool slowly = visit.fate.fault == Fault::slow;
    Decision decision = gateway_.charge(*charge, system_now(), slowly);
    co_await settle(decision, visit.due);
    if (decision.reply == Reply::later) {
        // The charge is decided even if the caller closed its connection long ago: a slow charge is
        // a charge. A repeated request waits a minute of its own, but the first of these requests
        // to wake up decides.
        co_await sleep_until(visit.slow_due);
        ledger_.require_room();
        decision = gateway_.finish(charge->key, system_now());
        co_await settle(decision, Clock::now());
    } else if (decision.reply == Reply::lost) {
        co_await sleep_until(visit.slow_due);
    }
    // Changes only this copy, from which the answer is made.
    if (visit.fate.fault == Fault::wrong_amount) ++decision.charge.amount;
    co_return to_response(charge->key, decision);
}

GatewayApi::Answer GatewayApi::get_charge(Visit& visit) {
    const std::string& key = visit.request.param("key");
    const Charge* known = gateway_.find(key);
    Decision decision;
    if (known != nullptr) decision.charge = *known;
    co_await settle(decision, visit.due);
    if (decision.charge.state == State::none) {
        co_return http::problem(404, "not-found", "Not found", "No charge has this key.");
    }
    co_return http::json_response(200, charge_json(key, decision.charge));
}

GatewayApi::Answer GatewayApi::post_cancel(Visit& visit) {
    const std::string& key = visit.request.param("key");
    if (key.size() > 128) co_return bad_request({"validation", "the key is too long", ""});
    ledger_.require_room();
    const Decision decision = gateway_.cancel(key, system_now());
    co_await settle(decision, visit.due);
    co_return http::json_response(200, charge_json(key, decision.charge));
}

GatewayApi::Answer GatewayApi::get_ledger(Request request) {
    const auto after = integer(request, "after", 0, std::numeric_limits<std::int64_t>::max());
    const auto limit = integer(request, "limit", 1'000, kMaxLedgerLimit);
    if (!after || !limit) {
        co_return bad_request({"query", "after and limit must be integers, limit up to 10000", ""});
    }
    const std::vector<Entry> entries = co_await ledger_.read(*after, *limit);
    std::vector<LedgerLine> lines;
    lines.reserve(entries.size());
    for (const Entry& e : entries) {
        lines.push_back({e.id, e.key, e.kind, e.amount, e.currency, e.at});
    }
    co_return http::json_response(200, json::to_json(lines));
}

GatewayApi::Answer GatewayApi::get_faults(Request) {
    co_return http::json_response(200, json::to_json(draw_.faults()));
}

GatewayApi::Answer GatewayApi::put_faults(Request request) {
    const auto faults = json::read_json<Faults>(request.body, json::UnknownMembers::refuse, start_);
    if (!faults) co_return bad_request(faults.error());
    if (const auto mistake = find_mistake(*faults)) co_return bad_request(*mistake);
    draw_.set(*faults);
    co_return http::json_response(200, json::to_json(*faults));
}

std::string GatewayApi::charge_json(const std::string& key, const Charge& charge) const {
    ChargeView view;
    view.key = key;
    view.status = status_of(charge.state);
    if (charge.charge_entry > 0) {
        view.charge_id = "ch_" + ledger_.instance() + "_" + std::to_string(charge.charge_entry);
    }
    if (!charge.currency.empty()) {
        view.amount = charge.amount;
        view.currency = charge.currency;
    }
    if (view.status == Status::declined) {
        view.reason = token_unknown(charge) ? "CARD_TOKEN_UNKNOWN" : "CARD_DECLINED";
    }
    return json::to_json(view);
}

Response GatewayApi::to_response(const std::string& key, const Decision& decision) const {
    const auto refused = [&](Refusal why) {
        const RefusalView view{key, why};
        return http::json_response(409, json::to_json(view));
    };
    switch (decision.reply) {
        case Reply::created:
        case Reply::lost: return http::json_response(201, charge_json(key, decision.charge));
        case Reply::known: {
            const bool declined = decision.charge.state == State::declined;
            const int status = !declined ? 200 : token_unknown(decision.charge) ? 422 : 402;
            return http::json_response(status, charge_json(key, decision.charge));
        }
        case Reply::server_error: return server_error();
        case Reply::key_cancelled: return refused(Refusal::key_cancelled);
        case Reply::key_reused: return refused(Refusal::key_reused);
        case Reply::later: break;
    }
    throw std::logic_error("a charge was not finished");
}

}  // namespace orderflow::sandbox
