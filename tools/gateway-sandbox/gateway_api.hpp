#pragma once
// The gateway's HTTP interface, on the io thread:
//   POST /v1/charges {key, amount, currency, token}  201 captured now, 200 captured before,
//        402 declined, 422 unknown token, 409 key_cancelled or key_reused, 500 by token
//   GET  /v1/charges/{key}                           200, 404 if nothing was decided about the key
//   POST /v1/charges/{key}/cancel                    200 refunded, declined or never_charged
//   GET  /v1/ledger?after=0&limit=1000               200, a JSON array of ledger entries
// No answer is given before what it says is on disk.

#include <chrono>

#include <boost/asio/awaitable.hpp>

#include "gateway-sandbox/gateway.hpp"
#include "gateway-sandbox/ledger_store.hpp"
#include "http/router.hpp"

namespace orderflow::sandbox {

struct ApiSettings {
    std::chrono::milliseconds delay{20};      // of each answer about a charge, at least
    std::chrono::milliseconds slow{60'000};   // what the slow tokens wait
};

class GatewayApi {
public:
    GatewayApi(boost::asio::io_context& io, Gateway& gateway, LedgerStore& ledger,
               ApiSettings settings)
        : io_(io), gateway_(gateway), ledger_(ledger), settings_(settings) {}

    // The handlers refer to this object.
    http::Router routes();

private:
    using Clock = std::chrono::steady_clock;
    using Answer = boost::asio::awaitable<http::Response>;

    Answer post_charge(http::Request request);
    Answer get_charge(http::Request request);
    Answer post_cancel(http::Request request);
    Answer get_ledger(http::Request request);

    // Makes the decision's entry durable, and what it rests on, but answers no earlier than `due`.
    boost::asio::awaitable<void> settle(Decision decision, Clock::time_point due);
    boost::asio::awaitable<void> sleep_until(Clock::time_point due);
    std::string charge_json(const std::string& key, const Charge& charge) const;
    http::Response to_response(const std::string& key, const Decision& decision) const;

    boost::asio::io_context& io_;
    Gateway& gateway_;
    LedgerStore& ledger_;
    ApiSettings settings_;
};

}  // namespace orderflow::sandbox
