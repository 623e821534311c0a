#pragma once
// From a callback on any thread back into a coroutine: the one bridge between handlers on the io
// thread and the loops that work for them.
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

// A database that is frozen answers nobody, and breaks no connection either. Whoever waits for it
// is told after this, which has to stay below the 13 s after which the edge gives up
// (proxy_read_timeout in deploy/nginx/edge.conf.in).
inline constexpr std::chrono::seconds kAnswerWithin{10};

namespace detail {

// What a coroutine waits with. On its executor.
template <class Handler>
struct Wait {
    explicit Wait(Handler waiting)
        : handler(std::move(waiting)),
          timer(std::in_place, boost::asio::get_associated_executor(*handler)) {}

    template <class T>
    void end(std::optional<T> value) {
        if (!handler) return;  // the other one came first
        Handler resume = std::move(*handler);
        handler.reset();
        timer.reset();
        std::move(resume)(std::move(value));
    }

    std::optional<Handler> handler;
    std::optional<boost::asio::steady_timer> timer;
};

}  // namespace detail

// Calls `start(done)` at once and suspends until `done(value)` is called, once, on any thread;
// resumes on the coroutine's own executor. nullopt: that took longer than `limit`; what `done` is
// called with then is dropped.
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
