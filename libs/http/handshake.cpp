#include "http/handshake.hpp"

#include <algorithm>

#include "http/problem.hpp"
#include "http/wire.hpp"

namespace orderflow::http {

namespace {

constexpr std::size_t kKeySize = 24;  // of 16 bytes in base64

// Whether one of the fields with that name lists the token.
bool lists(const Headers& headers, std::string_view name, std::string_view token) {
    for (std::size_t i = 0; i < headers.size(); ++i) {
        auto [field, rest] = headers[i];
        if (!equals_ignoring_case(field, name)) continue;
        while (!rest.empty()) {
            if (equals_ignoring_case(take_item(rest, ','), token)) return true;
        }
    }
    return false;
}

bool is_key(std::string_view key) {
    const auto base64 = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/';
    };
    return key.size() == kKeySize && key.ends_with("==") &&
           std::all_of(key.begin(), key.end() - 2, base64);
}

Response upgrade_required(std::string_view detail) {
    Response response = problem(426, "upgrade-required", "Upgrade required", detail);
    response.headers.emplace_back("Upgrade", "websocket");
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
    return response;
}

}  // namespace

bool asks_for_websocket(const Request& request, bool http11) {
    return http11 && lists(request.headers, "Upgrade", "websocket") &&
           lists(request.headers, "Connection", "upgrade");
}

std::optional<Response> refuse_handshake(const Request& request, bool http11) {
    if (!asks_for_websocket(request, http11)) {
        return upgrade_required("This resource is a WebSocket.");
    }
    if (request.headers.count("Sec-WebSocket-Version") != 1 ||
        request.header("Sec-WebSocket-Version") != "13") {
        return upgrade_required("This server supports version 13 of the WebSocket protocol.");
    }
    if (request.headers.count("Sec-WebSocket-Key") != 1 ||
        !is_key(request.header("Sec-WebSocket-Key"))) {
        return problem(400, "websocket-handshake", "Bad WebSocket handshake",
                       "Sec-WebSocket-Key must be 16 bytes in base64, once.");
    }
    return std::nullopt;
}

}  // namespace orderflow::http
