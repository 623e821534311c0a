#pragma once
// From a callback on any thread back into a coroutine: the one bridge between handlers on the io
// thread and the loops that work for them.
#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace orderflow {

// Calls `start(done)` and suspends until `done(value)` is called, once, on any thread; resumes on
// the coroutine's own executor. T must be default-constructible.
template <class T, class Start>
boost::asio::awaitable<T> await_callback(Start start) {
    namespace asio = boost::asio;
    auto initiate = [](auto handler, Start begin) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        begin(std::function<void(T)>([shared](T value) {
            asio::post(asio::get_associated_executor(*shared),
                       [shared, value = std::move(value)]() mutable {
                           std::move (*shared)(std::move(value));
                       });
        }));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(
        std::move(initiate), asio::use_awaitable, std::move(start));
}

}  // namespace orderflow
