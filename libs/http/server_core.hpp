#pragma once
// The state that the server, its HTTP sessions and its WebSockets share. Inside libs/http only, io
// thread.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/deadlines.hpp"
#include "http/server.hpp"
#include "http/wire.hpp"

namespace orderflow::http {

// An open connection, HTTP or WebSocket. A sweep checks its deadline; it ends with the server.
class Connection : public Deadline {
public:
    virtual void stop() = 0;   // graceful: requests that have begun can finish
    virtual void abort() = 0;  // at once

protected:
    ~Connection() = default;
};

// Kept alive by the server and by each connection.
struct Server::Core : std::enable_shared_from_this<Server::Core> {
    Core(boost::asio::io_context& io, Router router, Limits limits, Hooks hooks);

    void stop();
    void abort();
    void connection_closed();

    static boost::asio::awaitable<void> accept_loop(std::shared_ptr<Core> core);

    // session.cpp
    static boost::asio::awaitable<void> run_session(std::shared_ptr<Core> core,
                                                    boost::asio::ip::tcp::socket socket);
    // websocket.cpp: takes over a connection whose request passed the handshake's checks.
    void open_websocket(boost::asio::ip::tcp::socket socket, const Route& route,
                        std::string_view key, std::string_view traceparent);

    boost::asio::io_context& io;
    const Router router;
    const Limits limits;
    const Hooks hooks;
    boost::asio::ip::tcp::acceptor acceptor;
    std::shared_ptr<DeadlineSweep> sweep;
    ServerStats stats;
    HttpDate date;
    bool stopping = false;
    std::vector<boost::asio::steady_timer*> waiting_for_drained;

private:
    class Session;
    class Socket;
};

}  // namespace orderflow::http
