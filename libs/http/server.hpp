#pragma once
// HTTP/1.1 server of every service. All of it runs on the one thread that runs the io_context;
// handlers are coroutines there and must not block. Only listen(), before that thread starts, and
// stop() may be called from other threads.
//
// What a client can rely on: keep-alive and pipelining (answers in order, one request of a
// connection at a time); every error is problem+json; the connection is closed after a request
// whose end cannot be known for certain (RFC 9112 §6.3: two lengths, odd Transfer-Encoding, ...).
// What a handler can rely on: a complete body within its limit, of the route's content type. An
// exception from a handler is caught here, and only here: orderflow::Unavailable becomes 503 with
// Retry-After, any other exception becomes 500 without its text. Both are counted and passed to a
// hook.
// A WebSocket route takes over the connection when its handshake is accepted (websocket.hpp); until
// then it is a request like any other.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "http/router.hpp"

namespace boost::asio {
class io_context;
}

namespace orderflow::http {

struct Limits {
    std::size_t header_bytes = 8 * 1024;  // request line and fields; above: 431
    std::size_t header_fields = 64;       // above: 431
    std::size_t uri_bytes = 2 * 1024;     // above: 414
    std::size_t body_bytes = 64 * 1024;   // above: 413; a route may set its own

    // One sweep checks these limits, so they apply up to a quarter of a second late.
    std::chrono::milliseconds header_timeout{5'000};  // first byte → end of header; then 408
    std::chrono::milliseconds body_timeout{10'000};   // end of header → end of body; then 408
    std::chrono::milliseconds idle_timeout{30'000};   // between requests; then closed, no answer
    std::chrono::milliseconds write_timeout{10'000};  // for a client that does not read its answer

    std::size_t connections = 16'384;  // WebSockets too; above: 503 and close
    std::size_t in_flight = 4'096;     // requests inside handlers; above: 503, connection stays
    unsigned retry_after_s = 1;
    WebSocketLimits websocket;

    // The origins whose pages may open WebSockets and send methods other than GET, HEAD and
    // OPTIONS. Pages that come from this server always may; pages of other origins get 403
    // (origin.hpp).
    std::vector<std::string> allowed_origins = {};
};

struct Hooks {
    // Called after each answer was written, or could not be written because the client had closed
    // the connection. `route` is the pattern; if none matched, it is empty and `method` is "other".
    // So both have few values and can be labels of metrics.
    std::function<void(std::string_view method, std::string_view route, int status,
                       std::chrono::nanoseconds duration)>
        on_request;
    // Called when an exception has left a handler (`what` is for the log only).
    std::function<void(std::string_view method, std::string_view route, std::string_view what)>
        on_exception;
    // Called when a WebSocket has ended. `how` is the code with which the server closed it
    // ("1013"), or "client" if the client closed it, or "lost" if the connection was lost.
    std::function<void(std::string_view route, std::string_view how)> on_websocket_end;
};

struct ServerStats {
    std::size_t connections = 0;        // open now, WebSockets too
    std::size_t websockets = 0;         // open now
    std::size_t queued_bytes = 0;       // of frames that are not yet written
    std::size_t in_flight = 0;          // requests inside handlers now
    std::uint64_t requests = 0;         // answered
    std::uint64_t refused = 0;          // 503 by the limit of connections, requests or sockets
    std::uint64_t internal_errors = 0;  // answered 500 because of an exception
};

class Server {
public:
    Server(boost::asio::io_context& io, Router router, Limits limits = {}, Hooks hooks = {});
    // Closes all open connections at once. The io_context must outlive the server and must not run
    // on another thread meanwhile. Sessions that still have to end need only the io_context.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Binds and starts to accept; port 0 takes any free one. `address` is IPv4, IPv6 (in brackets
    // or not), or a name, for which its first IPv4 address is used. Returns the port. Throws
    // std::runtime_error, whose message names address and port.
    unsigned short listen(const std::string& address, unsigned short port);
    // Whether programs on other machines can connect. Call it after listen().
    bool is_open_to_others() const;

    // A graceful stop. Accepts no more connections. Closes connections that are between two
    // requests, and WebSockets with 1001. Requests that have begun can finish; their answers have
    // `Connection: close`. Any thread; further calls change nothing.
    void stop();

    // Completes when the server is stopped and the last connection is gone, or after `at_most`.
    // True: all connections are gone. This function itself stops nothing.
    boost::asio::awaitable<bool> drained(std::chrono::milliseconds at_most);

    // For metrics; io thread.
    ServerStats stats() const;

private:
    struct Core;  // shared with the sessions, which may outlive this object by a moment
    std::shared_ptr<Core> core_;
};

}  // namespace orderflow::http
