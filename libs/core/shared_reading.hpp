#pragma once
// A value that is read once for all callers that request it at the same time, and is then kept for
// a moment. Examples: figures of the database, the state of Kafka. Used by HTTP handlers and
// pushes; all on the io thread.
#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include "core/attempt.hpp"
#include "core/await_callback.hpp"
#include "core/unavailable.hpp"

namespace orderflow {

template <class T>
class SharedReading : public std::enable_shared_from_this<SharedReading<T>> {
public:
    using Ptr = std::shared_ptr<const T>;
    using Source = std::function<boost::asio::awaitable<T>()>;

    // get() returns a reading again until it is `fresh` old.
    SharedReading(Source source, std::chrono::milliseconds fresh)
        : source_(std::move(source)), fresh_(fresh) {}

    // Throws what the source throws; the next call then reads again.
    boost::asio::awaitable<Ptr> get() {
        if (latest_ && std::chrono::steady_clock::now() < until_) co_return latest_;
        const auto executor = co_await boost::asio::this_coro::executor;
        auto start = [self = this->shared_from_this(),
                      executor](std::function<void(Attempt<Ptr>)> done) {
            self->waiters_.push_back(std::move(done));
            if (self->waiters_.size() > 1) return;
            boost::asio::co_spawn(executor, [self] { return self->read(); }, boost::asio::detached);
        };
        auto attempt = co_await await_callback<Attempt<Ptr>>(std::move(start));
        if (!attempt) throw Unavailable("the data could not be read in time");
        co_return std::move(*attempt).take();
    }

private:
    boost::asio::awaitable<void> read() {
        Attempt<Ptr> attempt;
        const auto begin = std::chrono::steady_clock::now();
        try {
            attempt.value = std::make_shared<const T>(co_await source_());
            latest_ = attempt.value;
            until_ = begin + fresh_;
        } catch (...) {
            attempt.error = std::current_exception();
        }
        for (const auto& done : std::exchange(waiters_, {})) done(attempt);
    }

    const Source source_;
    const std::chrono::milliseconds fresh_;
    Ptr latest_;
    std::chrono::steady_clock::time_point until_{};
    std::vector<std::function<void(Attempt<Ptr>)>> waiters_;  // callers that wait for this read
};

}  // namespace orderflow
