#pragma once
// Checks whether a request comes from a page that may change something here (RFC 6454, W3C Fetch
// Metadata). A page of any site can make a browser send a POST or open a WebSocket, but it cannot
// hide its origin. Clients that are not browsers send neither Origin nor Sec-Fetch-Site and are
// accepted. Used by the server, before a route's handler; pure, any thread.

#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"

namespace orderflow::http {

// Whether the text can be an element of Limits::allowed_origins: a scheme, a host, a port unless it
// is the default port of the scheme, and no path. Examples: "https://shop.example",
// "http://127.0.0.1:3000".
bool is_origin(std::string_view text);

// Whether the request comes from a page whose origin is neither an allowed one nor the host and
// port in the request's own Host field. True also for Origin "null", for several Origin fields, and
// for a request without Origin whose Sec-Fetch-Site does not show the same origin.
bool is_foreign(const Headers& headers, const std::vector<std::string>& allowed_origins);

}  // namespace orderflow::http
