#pragma once
// Questions over HTTP, one after the other: to the gateway and to services. Each waits for its
// answer.
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/io_context.hpp>

#include "http/client.hpp"

namespace orderflow::orderctl {

class HttpAsker {
public:
    HttpAsker(const http::ClientSettings& settings, std::chrono::seconds patience);

    // Whatever the answer says. Throws CannotDo without one, with `whom` in the text.
    http::ClientResult get(const std::string& target, const std::string& whom);

private:
    const std::chrono::seconds patience_;
    boost::asio::io_context io_{1};
    http::Client client_;
};

// Host, without brackets if it is an IPv6 address, and port of HOST[:PORT].
std::pair<std::string, std::string> split_address(std::string_view text,
                                                  std::string_view default_port);

// The host of http://HOST:PORT, which stands in brackets if it is an IPv6 address.
struct ServiceAddress {
    bool tls = false;
    std::string host;  // without brackets
    std::string port;  // 80 or 443 if none is given
};
ServiceAddress address_of(const std::string& origin);

}  // namespace orderflow::orderctl
