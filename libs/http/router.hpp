#pragma once
// The route table of one service, as data: method + pattern → handler. Built once in `main` (or in
// a function that a test can call); after that it is only read, on the io thread.
//
//   router.post("/api/orders", [&](Request r) { return place_order(service, std::move(r)); });
//   router.get("/api/orders/{id}", ...);
//   router.websocket("/ws", [&](WebSocket& socket) { return std::make_unique<...>(socket); });
//
// A pattern is a path whose segments are literals or {variables}; a variable matches one non-empty
// segment. If two patterns match, the one with the earlier literal wins, whatever the order of
// registration: for /a/b, the pattern /a/{x} wins over /{y}/b. Paths are compared as sent: `//`,
// `.` and `..` are not resolved, so they do not match.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "http/request.hpp"
#include "http/websocket.hpp"

namespace orderflow::http {

// Runs on the io thread and must not block it. Make it a named coroutine with by-value parameters:
// a lambda that is itself a coroutine is destroyed before its body ends.
using Handler = std::function<boost::asio::awaitable<Response>(Request)>;

struct RouteOptions {
    std::size_t body_limit_bytes = 0;               // 0: the server's limit
    std::string content_type = "application/json";  // of a non-empty body; empty: anything
};

struct Route {
    std::string method;
    std::string pattern;
    Handler handler;
    RouteOptions options;
    WebSocketFactory websocket = {};  // if set, there is no handler: GET opens a WebSocket
};

class Router {
public:
    Router();
    ~Router();
    Router(Router&&) noexcept;
    Router& operator=(Router&&) noexcept;

    // Throws std::logic_error for a malformed pattern or one that is registered already.
    void add(std::string method, std::string pattern, Handler handler, RouteOptions options = {});

    void get(std::string pattern, Handler handler);
    void post(std::string pattern, Handler handler, RouteOptions options = {});
    void put(std::string pattern, Handler handler, RouteOptions options = {});
    // A GET with an upgrade. A GET without one gets the answer 426.
    void websocket(std::string pattern, WebSocketFactory factory);

    // Sets the function that makes the 404 answer for a path that no pattern matches, in place of
    // the server's own answer.
    using NotFound = std::function<Response(const Request&)>;
    void not_found(NotFound answer) { not_found_ = std::move(answer); }
    const NotFound& not_found() const { return not_found_; }

    struct Match {
        const Route* route = nullptr;  // null: 404 if `allow` is empty, 405 otherwise
        std::string allow;             // the methods of this path: "GET, HEAD, POST"
        // Path variables, decoded; a broken escape makes the match a 404.
        std::vector<std::pair<std::string, std::string>> params;
    };
    // HEAD finds the GET route, but not a WebSocket route. The returned route lives as long as the
    // router.
    Match match(std::string_view method, std::string_view path) const;

    // All routes, for documentation and for tests that walk them.
    std::vector<const Route*> routes() const;

private:
    struct Path;
    void add(Route route);
    std::vector<std::unique_ptr<Path>> paths_;  // literals before variables
    NotFound not_found_;
};

}  // namespace orderflow::http
