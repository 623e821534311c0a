#pragma once
// The one bridge between handlers on the io thread and the loops that work for them: a coroutine
// waits here for a callback, which may be called on any thread.
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace orderflow {

// A frozen database sends no answer, and it does not break a connection either. So a request that
// waits for it gets an answer after this time at the latest. The limit must stay below the 13 s
// after which the edge gives up (proxy_read_timeout in deploy/nginx/edge.conf.in).
inline constexpr std::chrono::seconds kAnswerWithin{10};

namespace detail {

// The state of one coroutine that waits: how to resume it, and the timer of its limit. Used only on
// the executor of the coroutine.
template <class Handler>
struct Wait {
    explicit Wait(Handler waiting)
        : handler(std::move(waiting)),
          timer(std::in_place, boost::asio::get_associated_executor(*handler)) {}

    template <class T>
    void end(std::optional<T> value) {
        if (!handler) return;  // already resumed, by the value or by the timer
        Handler resume = std::move(*handler);
        handler.reset();
        timer.reset();
        std::move(resume)(std::move(value));
    }

    std::optional<Handler> handler;
    std::optional<boost::asio::steady_timer> timer;
};

}  // namespace detail

// Calls `start(done)` at once and suspends the coroutine until `done(value)` is called: once, on
// any thread. The coroutine resumes on its own executor. Returns nullopt if that took longer than
// `limit`; a value that comes later is dropped.
template <class T, class Start>
boost::asio::awaitable<std::optional<T>> await_callback(
    Start start, std::chrono::milliseconds limit = kAnswerWithin) {
    namespace asio = boost::asio;
    auto initiate = [limit](auto handler, Start begin) {
        auto wait = std::make_shared<detail::Wait<decltype(handler)>>(std::move(handler));
        wait->timer->expires_after(limit);
        wait->timer->async_wait([wait](boost::system::error_code cancelled) {
            if (!cancelled) wait->template end<T>(std::nullopt);
        });
        begin(std::function<void(T)>([wait, executor = wait->timer->get_executor()](T value) {
            asio::post(executor, [wait, value = std::move(value)]() mutable {
                wait->template end<T>(std::move(value));
            });
        }));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(std::optional<T>)>(
        std::move(initiate), asio::use_awaitable, std::move(start));
}

}  // namespace orderflow
