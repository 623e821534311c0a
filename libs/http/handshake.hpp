#pragma once
// Checks a request for a WebSocket (RFC 6455 §4.2.1) before any answer is sent. Inside libs/http
// only; pure, any thread.

#include <optional>

#include "http/request.hpp"

namespace orderflow::http {

// Whether the request is one for a WebSocket at all.
bool asks_for_websocket(const Request& request, bool http11);

// nullopt: the handshake is accepted. Otherwise the answer: 426 if there is no upgrade or the
// protocol has another version, 400 if there is no valid key.
std::optional<Response> refuse_handshake(const Request& request, bool http11);

}  // namespace orderflow::http
