#pragma once
// The address of a server as people write it, split into its parts: "[::1]:5432" is host "::1" and
// port "5432". Used by BlockingSocket, http/probe and orderctl. Pure values, any thread.
#include <string>
#include <string_view>

namespace orderflow {

struct Address {
    bool tls = false;  // the text began with https://
    std::string host;  // an IPv6 address without its brackets
    std::string port;

    // Parses HOST[:PORT]; a scheme before it and a path behind it are allowed. An IPv6 address must
    // stand in brackets. Without a port in the text, the port is `default_port`, or, if that is
    // empty, the default port of the scheme: 443 for https, else 80. Does not check whether such a
    // host can exist.
    static Address parse(std::string_view text, std::string_view default_port = {});
};

}  // namespace orderflow
