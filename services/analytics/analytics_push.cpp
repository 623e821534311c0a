#include "analytics/analytics_push.hpp"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "core/await_callback.hpp"
#include "core/unavailable.hpp"

namespace orderflow::analytics {

namespace asio = boost::asio;
using std::chrono::steady_clock;

namespace {

constexpr int kRepeatAfter = 3;  // readings; the pages wait 7 s (QUIET_MS in pages/live.js)

}  // namespace

asio::awaitable<Readings::Ptr> Readings::get() {
    if (latest_ && steady_clock::now() < until_) co_return latest_;
    const auto executor = co_await asio::this_coro::executor;
    auto start = [self = shared_from_this(), executor](std::function<void(Outcome)> done) {
        self->waiters_.push_back(std::move(done));
        if (self->waiters_.size() > 1) return;
        asio::co_spawn(executor, [self] { return self->read(); }, asio::detached);
    };
    const auto outcome = co_await await_callback<Outcome>(std::move(start));
    if (!outcome) throw Unavailable("the figures could not be read in time");
    if (outcome->error) std::rethrow_exception(outcome->error);
    co_return outcome->reading;
}

asio::awaitable<void> Readings::read() {
    Outcome outcome;
    const auto begin = steady_clock::now();
    try {
        outcome.reading = std::make_shared<const Reading>(co_await source_());
        latest_ = outcome.reading;
        until_ = begin + fresh_;
    } catch (...) {
        outcome.error = std::current_exception();
    }
    for (const auto& tell : std::exchange(waiters_, {})) tell(outcome);
}

// Leaves when the socket is closed or lost. What a client says is of no interest.
class Push::Session final : public http::WebSocketSession {
public:
    Session(std::shared_ptr<Push> push, http::WebSocket& socket)
        : push_(std::move(push)), socket_(socket) {
        push_->sockets_.insert(&socket_);
    }
    ~Session() override { push_->sockets_.erase(&socket_); }

    void received(std::string_view) override {}

private:
    const std::shared_ptr<Push> push_;
    http::WebSocket& socket_;
};

std::unique_ptr<http::WebSocketSession> Push::join(http::WebSocket& socket) {
    auto session = std::make_unique<Session>(shared_from_this(), socket);
    if (last_) socket.send(last_);
    if (!running_) {
        running_ = true;
        asio::co_spawn(
            io_, [self = shared_from_this()] { return self->run(); },
            [self = shared_from_this()](const std::exception_ptr& error) {
                if (error) self->running_ = false;
            });
    }
    return session;
}

asio::awaitable<void> Push::run() {
    asio::steady_timer timer(io_);
    while (!sockets_.empty()) {
        timer.expires_after(every_);
        const Frame frame = co_await read();
        const bool changed = frame && (!last_ || *frame != *last_);
        if (changed || (frame && ++unchanged_ >= kRepeatAfter)) {
            unchanged_ = 0;
            for (http::WebSocket* socket : sockets_) socket->send(frame);
        }
        last_ = frame;
        co_await timer.async_wait(asio::use_awaitable);
    }
    last_.reset();
    running_ = false;
}

asio::awaitable<Push::Frame> Push::read() {
    try {
        co_return std::make_shared<const std::string>(co_await read_());
    } catch (const std::exception& error) {
        spdlog::warn("no figures to push: {}", error.what());
        co_return nullptr;
    }
}

}  // namespace orderflow::analytics
