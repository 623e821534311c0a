#pragma once
// The gateway's HTTP interface, on the io thread:
//   POST /v1/charges {key, amount, currency, token}  201 captured now, 200 captured before,
//        402 declined, 422 unknown token, 409 key_cancelled or key_reused, 500 by token
//   GET  /v1/charges/{key}                           200, 404 if nothing was decided about the key
//   POST /v1/charges/{key}/cancel                    200 refunded, declined or never_charged
//   GET  /v1/ledger?after=0&limit=1000               200, a JSON array of ledger entries
//   GET, PUT /v1/faults                              200, how it misbehaves from now on
// Charges and ledger: 401 without the bearer token, if one is demanded.
// No answer is given before what it says is on disk.

#include <chrono>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "gateway-sandbox/faults.hpp"
#include "gateway-sandbox/gateway.hpp"
#include "gateway-sandbox/ledger_store.hpp"
#include "http/router.hpp"

namespace orderflow::sandbox {

class GatewayApi {
public:
    // `start`: what a PUT /v1/faults that leaves a member out takes for it. `credentials_file`: if
    // named, charges and ledger are only for who sends its first line as bearer token; it is read
    // for each request, so that it can be replaced. Throws std::runtime_error if there is none.
    GatewayApi(boost::asio::io_context& io, Gateway& gateway, LedgerStore& ledger, Faults start,
               std::string credentials_file = {});

    // The handlers refer to this object.
    http::Router routes();

private:
    using Clock = std::chrono::steady_clock;
    using Answer = boost::asio::awaitable<http::Response>;

    // One request about a charge and what befalls it.
    struct Visit {
        http::Request request;
        Fate fate;
        Clock::time_point due;       // of the answer, at the earliest
        Clock::time_point slow_due;  // far too late
    };
    using Handler = Answer (GatewayApi::*)(Visit&);

    http::Handler guarded(http::Handler handler) const;
    bool knows_sender(const http::Request& request) const;

    // All requests about charges come through here: where faults strike, but for what only the
    // handler can do (deciding slowly, a wrong amount).
    Answer serve(Handler handler, Fate fate, http::Request request);
    Answer post_charge(Visit& visit);
    Answer get_charge(Visit& visit);
    Answer post_cancel(Visit& visit);
    Answer get_ledger(http::Request request);
    Answer get_faults(http::Request request);
    Answer put_faults(http::Request request);

    // Makes the decision's entry durable, and what it rests on, but returns no earlier than `due`.
    boost::asio::awaitable<void> settle(Decision decision, Clock::time_point due);
    boost::asio::awaitable<void> sleep_until(Clock::time_point due);
    std::string charge_json(const std::string& key, const Charge& charge) const;
    http::Response to_response(const std::string& key, const Decision& decision) const;

    boost::asio::io_context& io_;
    Gateway& gateway_;
    LedgerStore& ledger_;
    const Faults start_;
    FaultDraw draw_;
    const std::string credentials_file_;
};

}  // namespace orderflow::sandbox
