#include "analytics/timeline/push.hpp"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace orderflow::analytics {

namespace asio = boost::asio;

namespace {

constexpr int kRepeatAfter = 3;  // readings; the pages wait 7 s (QUIET_MS in pages/live.js)

}  // namespace

// Ends when the socket is closed or lost. Messages of the client are ignored.
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
        spdlog::warn("cannot read the figures to push: {}", error.what());
        co_return nullptr;
    }
}

}  // namespace orderflow::analytics
