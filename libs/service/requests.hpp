#pragma once
// The common parts of routes that change something: a request's Idempotency-Key, the wait for its
// commit, and the answer if it was not carried out. Used by the services' *_api files, on the io
// thread.
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/await_callback.hpp"
#include "core/result.hpp"
#include "http/request.hpp"
#include "loops/queue_loop.hpp"
#include "outbox/request_keys.hpp"

namespace orderflow::service {

// Empty if the request has none. Error "idempotency-key": it is not one value of 8 to 128 printable
// ASCII characters.
Result<std::string> idempotency_key(const http::Request& request);

// The answer to a request that was not carried out; nullopt: it was carried out, now or before.
std::optional<http::Response> refusal(outbox::Outcome what);

// Limits of the wait while another request with the same key is in progress: time and number of
// tries.
inline constexpr std::chrono::seconds kKeyPatience{2};
inline constexpr std::chrono::milliseconds kKeyRetry{50};

// Queues the request and waits until it is committed; tries again while its key is used elsewhere.
// Without an answer in time, the outcome is unknown. `Answer` has a member `what`, an Outcome, and
// `Item` a member `done`, which accepts an Answer.
template <class Answer, class Item>
boost::asio::awaitable<Answer> commit(loops::QueueLoop<Item>& loop, Item item) {
    namespace asio = boost::asio;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    const auto give_up = std::chrono::steady_clock::now() + kKeyPatience;
    for (;;) {
        Item attempt = item;
        auto start = [&loop, &attempt](std::function<void(Answer)> done) {
            attempt.done = done;
            if (loop.submit(std::move(attempt))) return;
            Answer refused;
            refused.what = outbox::Outcome::full;
            done(std::move(refused));
        };
        auto told = co_await await_callback<Answer>(std::move(start));
        Answer answer = std::move(told).value_or(Answer{});
        const bool busy = answer.what == outbox::Outcome::busy;
        if (!busy || std::chrono::steady_clock::now() >= give_up) co_return answer;
        timer.expires_after(kKeyRetry);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

}  // namespace orderflow::service
