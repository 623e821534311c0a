#pragma once
// HTTP/1.1 client for one origin, with kept-alive connections and TLS. Used by payment for its
// calls to the gateway, by analytics, orderctl and tests. It uses libcurl's multi interface on the
// caller's io_context (ADR 12): it has no thread of its own and never blocks; libcurl looks up
// names on its own threads. Construct, call and destroy it on the io_context's thread, or while the
// io_context does not run.
//
// Repeat behaviour. A POST is sent at most once. libcurl by itself would send a request again if a
// kept connection ended before a byte of the answer came, although the server may have received the
// request. This client does not let it send a POST a second time: the call then ends without an
// answer, and the caller decides, with an idempotency key. In that one case GET and PUT may be sent
// again. A redirect is an answer like any other.
//
// TLS: version 1.2 or later. The server's certificate and its name are always checked; nothing
// turns that off. Sessions are resumed. The proxy is the one in the settings, or none: the
// environment (HTTPS_PROXY, NO_PROXY, …) changes nothing.

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
    int status = 0;  // 0: no answer, for the reason in `error`; what the server did is unknown
    Headers headers;
    std::string body;
    std::string error;  // for the log: "Failed to connect to ::1 port 1: Connection refused"

    bool is_response() const { return status != 0; }
};

struct ClientSettings {
    std::string origin = {};  // http:// or https://host[:port]; an IPv6 address in brackets
    // A PEM file with the only CA certificates to trust; empty: the system's.
    std::string ca_file = {};
    // Its first line is sent as `Authorization: Bearer …`. While there are requests, the file is
    // read again once a second, so it can be replaced. While it cannot be read, the last
    // credentials stay in use.
    std::string credentials_file = {};
    std::string proxy = {};  // http://[user:password@]host:port; empty: none
};

struct ClientLimits {
    // How many requests may run or wait at once, and so how many connections there are. A further
    // request ends at once, without an answer.
    std::size_t requests = 1'024;
    std::size_t response_bytes = 64 * 1024;  // of the body; a larger answer counts as no answer
    std::size_t header_bytes = 16 * 1024;    // of the header; likewise
    // Idle connections are closed after this time; keep it below the server's own idle limit.
    std::chrono::seconds idle_timeout{20};
    std::chrono::seconds resolve_again_after{10};  // how long a resolved name is used
};

class Client {
public:
    // Reads the CA file and the credentials. Throws std::invalid_argument if the origin or the
    // proxy is malformed, std::runtime_error for a file that cannot be read or contains nothing
    // usable.
    Client(boost::asio::io_context& io, const ClientSettings& settings, ClientLimits limits = {});
    // Running requests end soon, without an answer.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // `method` is GET, POST or PUT. `timeout` covers everything: the wait for its turn while others
    // connect, the name lookup, connect, handshake, sending, and the whole answer. A non-empty body
    // is sent as application/json. A failure of the network never throws; it is in the result.
    // Throws std::invalid_argument for another method, or if `target` is not a path.
    boost::asio::awaitable<ClientResult> request(std::string method, std::string target,
                                                 std::string body,
                                                 std::chrono::milliseconds timeout);

private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace orderflow::http
