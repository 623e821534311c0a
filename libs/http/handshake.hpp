#pragma once
// The request that asks for a WebSocket (RFC 6455 §4.2.1), judged before any of it is answered.
// Inside libs/http only; pure.

#include <optional>

#include "http/request.hpp"

namespace orderflow::http {

// Whether the request asks to become a WebSocket at all.
bool asks_for_websocket(const Request& request, bool http11);

// Nothing: it may. Otherwise the answer: 426 without an upgrade or with another version of the
// protocol, 400 without a proper key.
std::optional<Response> refuse_handshake(const Request& request, bool http11);

}  // namespace orderflow::http
