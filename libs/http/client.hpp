#pragma once
// HTTP/1.1 client for one origin, with kept-alive connections and TLS: payment's calls to the
// gateway, orderctl's, tests'. libcurl's multi interface on the caller's io_context (ADR 12): no
// thread of ours, and nothing here waits; libcurl looks names up on threads of its own.
// Lives on the io_context's thread: construct, call and destroy it there, or while it does not run.
//
// Repeat behaviour. A POST is sent at most once. libcurl by itself would send a request again if a
// kept connection ended before a byte of the answer came, although it may have arrived; a POST is
// not let out a second time and ends without an answer. Whoever called decides, with an idempotency
// key. GET and PUT may be sent again in that one case. Redirects are answers like any other.
//
// TLS: from 1.2 on; the server's certificate and its name are always checked, nothing turns that
// off. Sessions are taken up again. The proxy is the one in the settings, or none: the environment
// (HTTPS_PROXY, NO_PROXY, …) changes nothing.

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
    int status = 0;  // 0: no answer; `error` says why, and it is unknown what the server did
    Headers headers;
    std::string body;
    std::string error;  // for the log: "Failed to connect to ::1 port 1: Connection refused"

    bool is_response() const { return status != 0; }
};

struct ClientSettings {
    std::string origin = {};  // http:// or https://host[:port]; an IPv6 address in brackets
    // PEM: whose certificates are trusted, and no others; empty: the system's.
    std::string ca_file = {};
    // Its first line is sent as `Authorization: Bearer …`. The file is read again once a second
    // while there are requests, so it can be replaced; while it cannot be read the last one holds.
    std::string credentials_file = {};
    std::string proxy = {};  // http://[user:password@]host:port; empty: none
};

struct ClientLimits {
    // At once, and so connections; one more ends at once without an answer.
    std::size_t requests = 1'024;
    std::size_t response_bytes = 64 * 1024;  // body; a larger one is no answer
    std::size_t header_bytes = 16 * 1024;    // likewise
    // Idle connections are dropped after this; keep it below the server's own idle limit.
    std::chrono::seconds idle_timeout{20};
    std::chrono::seconds resolve_again_after{10};  // how long a resolved name is used
};

class Client {
public:
    // Reads CA file and credentials. Throws std::invalid_argument for an origin or a proxy that is
    // none, std::runtime_error for a file that cannot be read or holds nothing usable.
    Client(boost::asio::io_context& io, const ClientSettings& settings, ClientLimits limits = {});
    // Running requests end soon, without an answer.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // GET, POST or PUT. `timeout` covers everything: its turn while others connect, name, connect,
    // handshake, send, the whole answer. A non-empty body is sent as application/json. Never throws
    // for anything the network does; std::invalid_argument for another method or what is no path.
    boost::asio::awaitable<ClientResult> request(std::string method, std::string target,
                                                 std::string body,
                                                 std::chrono::milliseconds timeout);

private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace orderflow::http
