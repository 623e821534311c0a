#pragma once
// The calls to the payment gateway. `Gateway` is the port (HTTP in production, the simulator's in
// tests): two verbs, both with the order's key, so that a call may be repeated at any time.
//
// `Calls` makes the calls outside any transaction, in three bounded pools of coroutines on the io
// thread, so that many retries and refunds do not delay first charges. For each order and verb, at
// most one call is made at a time. A call that does not fit is dropped, and its id is kept. Every
// call is also in the table, so the recovery, which reads the table, submits it again.
#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "core/batch_queue.hpp"
#include "http/client.hpp"
#include "payment/payment.hpp"

namespace orderflow::payment {

// The pool to which a call goes. `charge` and `retry` are the same verb.
enum class CallKind { charge, retry, cancel };
inline constexpr std::size_t kCallKinds = 3;

struct Call {
    OrderId id;
    CallKind kind = CallKind::charge;
    Money amount;  // of a charge
    std::string token;
};

class Gateway {
public:
    virtual ~Gateway() = default;
    // Takes the money, once per order, however often it is called; repeats return the first
    // outcome.
    virtual boost::asio::awaitable<ChargeResult> charge(Call call) = 0;
    // Final: after it no charge of this order takes money, even one that is still on its way.
    virtual boost::asio::awaitable<CancelResult> cancel(OrderId id) = 0;
};

// POST /v1/charges {key, amount, currency, token} and POST /v1/charges/{key}/cancel, key
// "charge:{orderId}", 3 s per call. Lives on the io thread, like the client.
class HttpGateway final : public Gateway {
public:
    // Throws as http::Client.
    HttpGateway(boost::asio::io_context& io, const http::ClientSettings& settings);

    boost::asio::awaitable<ChargeResult> charge(Call call) override;
    boost::asio::awaitable<CancelResult> cancel(OrderId id) override;

private:
    http::Client client_;
};

// The meaning of an answer. Only 400, 402 and 422 are declines. A timeout, a reset, 5xx, 429, 401,
// 403, 404, 409 (`key_cancelled`), an answer about another order's charge, and an answer that
// cannot be read leave the outcome unclear. For 429 and 503, Retry-After is used (a number of
// seconds, or a date relative to the answer's own Date), five minutes at most.
ChargeResult charge_result(const OrderId& id, const http::ClientResult& answer);
CancelResult cancel_result(const OrderId& id, const http::ClientResult& answer);

// Thread-safe, except where noted.
class Calls {
public:
    // The results go to `results`, unclear ones too. The arguments must outlive this object.
    Calls(boost::asio::io_context& io, Gateway& gateway, BatchQueue<GatewayResult>& results);

    // Skips calls that are already queued or in progress, or whose result is not committed yet.
    void submit(std::vector<Call> calls);

    // These results are committed: calls for their orders may be made again.
    void committed(std::span<const GatewayResult> results);

    // Ids of calls that were dropped since the last call of this function. Beyond 50,000 ids only
    // the smallest further id is kept, in `lost_from`.
    struct Overflow {
        std::vector<OrderId> ids;
        std::optional<OrderId> lost_from;
    };
    Overflow take_overflow();

    struct Load {
        std::size_t running = 0;
        std::size_t waiting = 0;
        std::size_t room = 0;  // how many more can wait
    };
    Load load(CallKind kind) const;

    // For the orderly stop, when no other thread runs the io_context. Accepts no more calls, and
    // runs the io_context on this thread until the present calls have ended, or for `at_most`.
    void drain(std::chrono::milliseconds at_most);

private:
    struct Pool {
        std::size_t limit = 0;     // coroutines
        std::size_t capacity = 0;  // waiting calls
        std::size_t running = 0;
        std::deque<Call> waiting;
    };

    Pool& pool(CallKind kind) { return pools_[static_cast<std::size_t>(kind)]; }
    std::unordered_set<OrderId>& in_flight(bool cancel) { return in_flight_[cancel ? 1 : 0]; }
    bool enqueue(Call&& call);
    std::optional<Call> next(CallKind kind);
    bool busy() const;
    void start(CallKind kind, std::size_t coroutines);
    boost::asio::awaitable<void> work(CallKind kind);
    boost::asio::awaitable<GatewayResult> make(Call call);
    boost::asio::awaitable<void> deliver(GatewayResult result);

    boost::asio::io_context& io_;
    Gateway& gateway_;
    BatchQueue<GatewayResult>& results_;

    mutable std::mutex mutex_;  // over all below
    std::array<Pool, kCallKinds> pools_;
    std::array<std::unordered_set<OrderId>, 2> in_flight_;  // by verb: charge, cancel
    Overflow overflow_;
    bool draining_ = false;
};

}  // namespace orderflow::payment
