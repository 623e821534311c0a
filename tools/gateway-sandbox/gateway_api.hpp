#pragma once
// The gateway's HTTP interface, on the io thread:
//   POST /v1/charges {key, amount, currency, token}  201 captured now, 200 captured before,
//        402 declined, 422 unknown token, 409 key_cancelled or key_reused, 500 by token
//   GET  /v1/charges/{key}                           200, 404 if there was no decision on the key
//   POST /v1/charges/{key}/cancel                    200 refunded, declined or never_charged
//   GET  /v1/ledger?after=0&limit=1000               200, a JSON array of ledger entries
//   GET, PUT /v1/faults                              200, the faults of the requests from now on
// Charges and ledger: 401 without the bearer token, if the gateway requires one.
// No answer is sent before the decision that it reports is on disk.

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
    // `start`: the value of each member that a PUT /v1/faults leaves out. `credentials_file`: if it
    // is named, requests about charges and the ledger must carry its first line as bearer token.
    // The file is read for each request, so that it can be replaced. Throws std::runtime_error if
    // the named file does not exist.
    GatewayApi(boost::asio::io_context& io, Gateway& gateway, LedgerStore& ledger, Faults start,
               std::string credentials_file = {});

    // The handlers refer to this object.
    http::Router routes();

private:
    using Clock = std::chrono::steady_clock;
    using Answer = boost::asio::awaitable<http::Response>;

    // One request about a charge, with its fault and its times.
    struct Visit {
        http::Request request;
        Fate fate;
        Clock::time_point due;       // earliest time of the answer
        Clock::time_point slow_due;  // far too late
    };
    using Handler = Answer (GatewayApi::*)(Visit&);

    http::Handler guarded(http::Handler handler) const;
    bool knows_sender(const http::Request& request) const;

    // Serves every request about charges and applies its fault, except for two faults that only the
    // handler can apply: a slow decision and a wrong amount.
    Answer serve(Handler handler, Fate fate, http::Request request);
    Answer post_charge(Visit& visit);
    Answer get_charge(Visit& visit);
    Answer post_cancel(Visit& visit);
    Answer get_ledger(http::Request request);
    Answer get_faults(http::Request request);
    Answer put_faults(http::Request request);

    // Makes the decision's entry durable, and every entry that the answer depends on; returns no
    // earlier than `due`.
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
