// The request that asks for a WebSocket: what is refused, how, and what 101 says.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "unit/websocket_lab.hpp"

using namespace orderflow::http;
using namespace orderflow::http::test;

TEST_CASE("websocket: a handshake that is not in order is refused before the upgrade") {
    struct Row {
        const char* name;
        std::string request;
        int status;
        const char* type;
        const char* field;
    };
    const std::string plain = "GET /ws HTTP/1.1\r\nHost: x\r\n";
    const auto row = GENERATE_COPY(
        Row{"no upgrade", plain, 426, "upgrade-required", "Upgrade: websocket\r\n"},
        Row{"no Connection", plain + "Upgrade: websocket\r\n" + sample_key + version_13, 426,
            "upgrade-required", "Upgrade: websocket\r\n"},
        Row{"another protocol",
            plain + "Upgrade: h2c\r\nConnection: Upgrade\r\n" + sample_key + version_13, 426,
            "upgrade-required", "Upgrade: websocket\r\n"},
        Row{"no version", handshake_head + sample_key, 426, "upgrade-required",
            "Sec-WebSocket-Version: 13\r\n"},
        Row{"wrong version", handshake_head + sample_key + "Sec-WebSocket-Version: 8\r\n", 426,
            "upgrade-required", "Sec-WebSocket-Version: 13\r\n"},
        Row{"two versions", handshake_head + sample_key + version_13 + version_13, 426,
            "upgrade-required", "Sec-WebSocket-Version: 13\r\n"},
        Row{"no key", handshake_head + version_13, 400, "websocket-handshake", ""},
        Row{"empty key", handshake_head + version_13 + "Sec-WebSocket-Key:\r\n", 400,
            "websocket-handshake", ""},
        Row{"short key", handshake_head + version_13 + "Sec-WebSocket-Key: c2hvcnQ=\r\n", 400,
            "websocket-handshake", ""},
        Row{"key not base64",
            handshake_head + version_13 + "Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ==\r\n", 400,
            "websocket-handshake", ""},
        Row{"two keys", handshake_head + version_13 + sample_key + sample_key, 400,
            "websocket-handshake", ""});
    CAPTURE(row.name);

    EchoServer echo;
    Wire wire(echo.server.port);
    wire.send(row.request + "\r\n");
    const Answer answer = wire.receive();
    CHECK(answer.status == row.status);
    CHECK(answer.has("\"type\":\"/problems/" + std::string(row.type) + "\""));
    CHECK(answer.has(row.field));
    wire.send(handshake);  // the connection can still be used
    CHECK(wire.receive(true).status == 101);
}

TEST_CASE("websocket: HTTP/1.0 cannot be upgraded") {
    EchoServer echo;
    Wire wire(echo.server.port);
    wire.send("GET /ws HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + sample_key +
              version_13 + "\r\n");
    CHECK(wire.receive().status == 426);
}

TEST_CASE("websocket: another method than GET is 405") {
    EchoServer echo;
    for (const std::string method : {"POST", "HEAD", "DELETE"}) {
        CAPTURE(method);
        Wire wire(echo.server.port);
        wire.send(method + handshake.substr(3));
        const Answer answer = wire.receive(true);
        CHECK(answer.status == 405);
        CHECK(answer.has("Allow: GET\r\n"));
    }
}

TEST_CASE("websocket: bytes that do not wait for the 101 are refused with the connection") {
    const std::string head = handshake.substr(0, handshake.size() - 2);
    const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
    const std::string bytes = GENERATE_COPY(
        handshake + text_frame("early"), head + "Content-Length: 2\r\n\r\n{}",
        chunked + "2\r\n{}\r\n0\r\n\r\n", chunked + "0\r\n\r\n" + text_frame("early"));
    EchoServer echo;
    Wire wire(echo.server.port);
    wire.send(bytes);
    const Answer answer = wire.receive();
    CHECK(answer.status == 400);
    CHECK(answer.has("/problems/websocket-handshake"));
    wire.finish_sending();
    CHECK(wire.closed());
}

TEST_CASE("websocket: a body without a byte does not hold up a handshake") {
    EchoServer echo;
    Wire wire(echo.server.port);
    wire.send(handshake.substr(0, handshake.size() - 2) +
              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    CHECK(wire.receive(true).status == 101);
}

TEST_CASE("websocket: a page of another origin opens none") {
    EchoServer echo({}, {}, {"https://shop.example"});
    const auto status = [&](const std::string& fields) {
        Wire wire(echo.server.port);
        wire.send(handshake.substr(0, handshake.size() - 2) + fields + "\r\n");
        const Answer answer = wire.receive();
        CHECK(answer.has("/problems/foreign-origin") == (answer.status == 403));
        return answer.status;
    };
    CHECK(status("Origin: http://x\r\nSec-Fetch-Site: same-origin\r\n") == 101);
    CHECK(status("Origin: https://shop.example\r\nSec-Fetch-Site: cross-site\r\n") == 101);
    CHECK(status("Origin: http://x:3000\r\n") == 403);
    CHECK(status("Origin: null\r\n") == 403);
    CHECK(status("Sec-Fetch-Site: cross-site\r\n") == 403);
}

TEST_CASE("websocket: a handshake in order is answered as the RFC says, without extensions") {
    std::promise<std::string> seen;
    Hooks hooks;
    hooks.on_request = [&](std::string_view method, std::string_view route, int status, auto) {
        seen.set_value(std::string(method) + " " + std::string(route) + " " +
                       std::to_string(status));
    };
    EchoServer echo({}, hooks);
    Wire wire(echo.server.port);
    const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    wire.send(handshake_head + sample_key + version_13 +
              "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: chat\r\n"
              "traceparent: " +
              trace + "\r\n\r\n");
    const Answer answer = wire.receive(true);
    CHECK(answer.status == 101);
    CHECK(answer.has("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));  // RFC 6455 §1.3
    CHECK(answer.has("traceparent: " + trace));
    CHECK_FALSE(answer.has("Extensions"));
    CHECK_FALSE(answer.has("Protocol:"));
    CHECK_FALSE(answer.has("Beast"));
    CHECK(seen.get_future().get() == "GET /ws 101");
    CHECK(echo.server.stats().websockets == 1);
    CHECK(echo.server.stats().connections == 1);
}

TEST_CASE("websocket: sockets beyond the limit are told 503, others of the server go on") {
    WebSocketLimits limits;
    limits.sockets = 1;
    EchoServer echo(limits);
    Peer first(echo);
    Wire second(echo.server.port);
    second.send(handshake);
    const Answer answer = second.receive();
    CHECK(answer.status == 503);
    CHECK(answer.has("Retry-After: 1"));
    second.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(second.receive().status == 200);
    CHECK(echo.server.stats().refused == 1);
    first.wire.reset();
    eventually([&] { return echo.server.stats().websockets == 0; });
    second.send(handshake);
    CHECK(second.receive(true).status == 101);
}

TEST_CASE("websocket: a path is a resource or a WebSocket, not both") {
    Router router;
    router.websocket("/ws", [](WebSocket&) { return nullptr; });
    CHECK_THROWS_AS(router.get("/ws", {}), std::logic_error);
    CHECK(router.match("GET", "/ws").route->websocket);
    CHECK(router.match("POST", "/ws").allow == "GET");
}
