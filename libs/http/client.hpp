#pragma once
// HTTP/1.1 client for one origin with kept-alive connections (payment's gateway calls, tests).
// Lives on the io_context's thread: construct, call and destroy it there, or while it does not run.
//
// Repeat behaviour. A request goes out at most once, with one exception: if it was given to a
// kept-alive connection that the server had closed meanwhile, it is sent again on a new one, but
// only if not one byte of it was handed to the kernel, or if the method is idempotent by
// definition (GET, HEAD, PUT, DELETE) and no byte of an answer came. So a POST that may have
// arrived is never repeated here: the caller gets `maybe_sent` and decides (ours send an
// idempotency key, so they just try again).

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "http/request.hpp"

namespace boost::asio {
class io_context;
}

namespace orderflow::http {

struct ClientResult {
    enum class Outcome {
        response,    // `status`, `headers` and `body` are what the server said
        never_sent,  // no byte left: no connection, no free slot in time
        maybe_sent,  // unknown what the server did: timeout, reset, unreadable or too large answer
    };
    Outcome outcome = Outcome::never_sent;
    int status = 0;
    Headers headers;
    std::string body;
    std::string error;  // for the log: "timeout", "connect: Connection refused"

    bool is_response() const { return outcome == Outcome::response; }
};

struct ClientLimits {
    std::size_t connections = 1'024;        // at once; further requests wait for a free one
    std::size_t response_bytes = 64 * 1024;  // body; a larger one is `maybe_sent`
    std::size_t header_bytes = 16 * 1024;
    // Idle connections are dropped after this; keep it below the server's own idle limit.
    std::chrono::milliseconds idle_timeout{20'000};
    std::chrono::milliseconds resolve_again_after{10'000};  // how long a resolved name is used
};

class Client {
public:
    // `origin`: "http://host[:port]", default port 80. Throws std::invalid_argument otherwise.
    Client(boost::asio::io_context& io, const std::string& origin, ClientLimits limits = {});
    // Running requests end soon as never_sent or maybe_sent.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // `timeout` covers everything: waiting for a slot, name, connect, send, the whole answer (it
    // strikes up to 50 ms late). A non-empty body is sent as application/json. Never throws for
    // anything the network does.
    boost::asio::awaitable<ClientResult> request(std::string method, std::string target,
                                                 std::string body,
                                                 std::chrono::milliseconds timeout);

    std::size_t open_connections() const;

private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace orderflow::http
