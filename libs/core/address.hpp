#pragma once
// Where a server is, as people write it.
#include <string>
#include <string_view>

namespace orderflow {

struct Address {
    bool tls = false;  // it began with https://
    std::string host;  // an IPv6 address without its brackets
    std::string port;

    // HOST[:PORT], with or without a scheme before it and a path behind it. Without a port it is
    // `default_port`, or if that is empty the scheme's: 443 of https, else 80. An IPv6 address
    // stands in brackets. Whether such a host can be is not judged.
    static Address parse(std::string_view text, std::string_view default_port = {});
};

}  // namespace orderflow
