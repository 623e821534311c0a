#pragma once
// From which pages a browser may change something here (RFC 6454, W3C Fetch Metadata): a page of
// any site can send a POST or open a WebSocket, but cannot hide where it comes from. Clients that
// are no browsers send neither Origin nor Sec-Fetch-Site and are not held up. Used by the server,
// before a route's handler; pure, any thread.

#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"

namespace orderflow::http {

// "https://shop.example" or "http://127.0.0.1:3000": scheme, host and, if it is not the scheme's
// own, port, without path: what can be an element of Limits::allowed_origins.
bool is_origin(std::string_view text);

// Whether the request comes from a page that is neither of an allowed origin nor of the host and
// port that its own Host field names. True also for Origin "null", for several of them, and for
// what is not known to be the same origin for want of an Origin.
bool is_foreign(const Headers& headers, const std::vector<std::string>& allowed_origins);

}  // namespace orderflow::http
