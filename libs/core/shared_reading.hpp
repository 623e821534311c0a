#pragma once
// A value that is read once for all callers that request it at the same time, and is then kept for
// a moment. Examples: figures of the database, the state of Kafka. Used by HTTP handlers and
// pushes; all on the io thread.
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

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
                      executor](std::function<void(Outcome)> done) {
            self->waiters_.push_back(std::move(done));
            if (self->waiters_.size() > 1) return;
            boost::asio::co_spawn(executor, [self] { return self->read(); }, boost::asio::detached);
        };
        const auto outcome = co_await await_callback<Outcome>(std::move(start));
        if (!outcome) throw Unavailable("the data could not be read in time");
        if (outcome->error) std::rethrow_exception(outcome->error);
        co_return outcome->reading;
    }

private:
    struct Outcome {
        std::exception_ptr error;
        Ptr reading;
    };

    boost::asio::awaitable<void> read() {
        Outcome outcome;
        const auto begin = std::chrono::steady_clock::now();
        try {
            outcome.reading = std::make_shared<const T>(co_await source_());
            latest_ = outcome.reading;
            until_ = begin + fresh_;
        } catch (...) {
            outcome.error = std::current_exception();
        }
        for (const auto& tell : std::exchange(waiters_, {})) tell(outcome);
    }

    const Source source_;
    const std::chrono::milliseconds fresh_;
    Ptr latest_;
    std::chrono::steady_clock::time_point until_{};
    std::vector<std::function<void(Outcome)>> waiters_;  // callers that wait for this read
};

}  // namespace orderflow
