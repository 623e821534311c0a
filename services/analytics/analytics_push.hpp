#pragma once
// The dashboard over WebSocket: reads once for everybody who is connected, at most once per second,
// and not at all while nobody is. Used by analytics_api; on the io thread.
#include <memory>
#include <set>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "analytics/analytics_waiting.hpp"
#include "http/websocket.hpp"
#include "postgres/pool.hpp"

namespace boost::asio {
class io_context;
}

namespace orderflow::analytics {

class Push : public std::enable_shared_from_this<Push> {
public:
    // All three must outlive it.
    Push(boost::asio::io_context& io, postgres::Pool& pool, const WaitingLoop& waiting)
        : io_(io), pool_(pool), waiting_(waiting) {}

    // The session of a socket that has just opened: it gets a frame at once and then one whenever
    // the figures have changed.
    std::unique_ptr<http::WebSocketSession> join(http::WebSocket& socket);

private:
    class Session;
    using Frame = std::shared_ptr<const std::string>;

    // Lives as long as there are sockets.
    boost::asio::awaitable<void> run();
    boost::asio::awaitable<Frame> read();  // null: the database is out of reach

    boost::asio::io_context& io_;
    postgres::Pool& pool_;
    const WaitingLoop& waiting_;
    std::set<http::WebSocket*> sockets_;
    Frame last_;
    bool running_ = false;
};

}  // namespace orderflow::analytics
