#include "analytics/analytics_push.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <span>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "analytics/analytics_api.hpp"
#include "analytics/analytics_store.hpp"

namespace orderflow::analytics {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kEvery{1};
constexpr std::int32_t kMinutes = 2;  // the running one, and the one before, which may still grow
constexpr std::size_t kWaiting = 20;

struct Reading {
    Figures figures;
    std::vector<MinuteFigures> minutes;
};

// The three answers in one object; the first one's members stand at its top.
std::string frame_of(const Reading& reading, std::span<const OpenOrder> waiting) {
    const std::string board = dashboard_json(summarise(reading.figures));
    return R"({"type":"ANALYTICS",)" + board.substr(1, board.size() - 2) + R"(,"throughput":)" +
           throughput_json(reading.minutes) + R"(,"waiting":)" + waiting_json(waiting) + "}";
}

}  // namespace

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
        timer.expires_after(kEvery);
        const Frame frame = co_await read();
        if (frame && (!last_ || *frame != *last_)) {
            last_ = frame;
            for (http::WebSocket* socket : sockets_) socket->send(frame);
        }
        co_await timer.async_wait(asio::use_awaitable);
    }
    last_.reset();
    running_ = false;
}

asio::awaitable<Push::Frame> Push::read() {
    auto query = [](postgres::Connection& connection) {
        return Reading{read_figures(connection), read_minutes(connection, kMinutes)};
    };
    try {
        const Reading reading = co_await pool_.run(std::move(query));
        const auto orders = waiting_.longest();
        const auto count = std::min(kWaiting, orders->size());
        co_return std::make_shared<const std::string>(
            frame_of(reading, std::span(*orders).first(count)));
    } catch (const std::exception& error) {
        spdlog::warn("no figures to push: {}", error.what());
        co_return nullptr;
    }
}

}  // namespace orderflow::analytics
