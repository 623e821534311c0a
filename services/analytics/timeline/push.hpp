#pragma once
// The dashboard's figures for all clients: read once for all requests at the same time, and sent
// over WebSocket every one to three seconds, but not at all while no client is connected. Used by
// timeline_api; all on the io thread.
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "core/shared_reading.hpp"
#include "http/websocket.hpp"

namespace boost::asio {
class io_context;
}

namespace orderflow::analytics {

// The figures of the database, as JSON.
struct Reading {
    std::string board;    // the body of GET /api/analytics
    std::string minutes;  // the last ones of /api/analytics/throughput
};

// An answer of the dashboard may be one second behind. A fetch waits up to 100 ms and a batch up to
// 400 ms (main.cpp); with the 100 ms here the sum stays below a second.
class Readings : public SharedReading<Reading> {
public:
    explicit Readings(Source source,
                      std::chrono::milliseconds fresh = std::chrono::milliseconds{100})
        : SharedReading(std::move(source), fresh) {}
};

class Push : public std::enable_shared_from_this<Push> {
public:
    using Read = std::function<boost::asio::awaitable<std::string>()>;  // the text of a frame

    // `io` must outlive it.
    Push(boost::asio::io_context& io, Read read,
         std::chrono::milliseconds every = std::chrono::seconds{1})
        : io_(io), read_(std::move(read)), every_(every) {}

    // The session of a socket that has just opened. The socket gets a frame at once, and then a
    // frame whenever the figures have changed. After three readings without a change it gets the
    // same frame again. So a client that receives no frame for longer can conclude that the figures
    // are no longer read.
    std::unique_ptr<http::WebSocketSession> join(http::WebSocket& socket);

private:
    class Session;
    using Frame = std::shared_ptr<const std::string>;

    // Lives as long as there are sockets.
    boost::asio::awaitable<void> run();
    boost::asio::awaitable<Frame> read();  // null: the database is unavailable

    boost::asio::io_context& io_;
    const Read read_;
    const std::chrono::milliseconds every_;
    std::set<http::WebSocket*> sockets_;
    Frame last_;         // that was sent; null: the latest figures are not known
    int unchanged_ = 0;  // readings since then
    bool running_ = false;
};

}  // namespace orderflow::analytics
