// What the HTTP server answers, its limits, its timeouts, and how it stops.

#include <catch2/catch_test_macros.hpp>

#include "unit/http_lab.hpp"

using namespace orderflow::http;
using namespace orderflow::http::test;

TEST_CASE("a server knows whether others than this machine's programs can connect") {
    boost::asio::io_context io;  // does not run: nobody is let in
    const auto is_open = [&](const std::string& address) {
        Server server(io, Router());
        server.listen(address, 0);
        return server.is_open_to_others();
    };
    CHECK_FALSE(is_open("127.0.0.1"));
    CHECK_FALSE(is_open("127.1.2.3"));
    CHECK_FALSE(is_open("localhost"));
    CHECK(is_open("0.0.0.0"));
}

TEST_CASE("HEAD is answered from GET without a body") {
    TestServer server;
    Wire wire(server.port);
    wire.send("HEAD /things/abc HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    const Answer answer = wire.receive(true);
    CHECK(answer.status == 200);
    CHECK(answer.has("Content-Length: 3"));
    CHECK(wire.receive().body == "GET ");
}

TEST_CASE("a known path with another method is 405 with Allow") {
    TestServer server;
    Wire wire(server.port);
    wire.send("DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    const Answer answer = wire.receive();
    CHECK(answer.status == 405);
    CHECK(answer.has("Allow: GET, HEAD, POST\r\n"));
}

TEST_CASE("a body must be of the route's media type") {
    TestServer server;
    Wire wire(server.port);
    const auto status = [&](std::string_view path, std::string_view fields) {
        wire.send("POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(fields) +
                  "Content-Length: 2\r\n\r\n{}");
        return wire.receive().status;
    };
    CHECK(status("/echo", "Content-Type: application/json\r\n") == 200);
    CHECK(status("/echo", "Content-Type: Application/JSON; charset=UTF-8\r\n") == 200);
    CHECK(status("/echo", "Content-Type: application/json ; x=y; charset=\"utf-8\"\r\n") == 200);
    CHECK(status("/echo", "Content-Type: application/json; charset=latin1\r\n") == 415);
    CHECK(status("/echo", "Content-Type: text/plain\r\n") == 415);
    CHECK(status("/echo", "") == 415);
    CHECK(status("/echo", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n") == 415);
    CHECK(status("/anything", "Content-Type: text/plain\r\n") == 200);
    wire.send("POST /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(wire.receive().status == 200);
}

TEST_CASE("a page of another origin may read, not change anything") {
    TestServer server;
    Wire wire(server.port);
    const auto answer = [&](const std::string& line, const std::string& fields) {
        wire.send(line + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
        return wire.receive(line.starts_with("HEAD"));
    };
    for (const char* fields :
         {"Origin: http://y\r\n", "Origin: null\r\n", "Origin: http://x.y\r\n",
          "Origin: http://x\r\nSec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: cross-site\r\n"}) {
        CAPTURE(fields);
        for (const char* line : {"POST /echo", "POST /late", "PUT /echo", "DELETE /things/1",
                                 "PATCH /echo", "POST /nowhere", "post /echo"}) {
            CAPTURE(line);
            const Answer refused = answer(line, fields);
            CHECK(refused.status == 403);
            CHECK(refused.has("/problems/foreign-origin"));
        }
        CHECK(answer("GET /echo", fields).status == 200);
        CHECK(answer("HEAD /echo", fields).status == 200);
        CHECK(answer("OPTIONS /echo", fields).status == 405);
    }
    CHECK(server.gate.waiting == 0);
    CHECK(answer("POST /echo", "Origin: http://X:80\r\nSec-Fetch-Site: same-origin\r\n").status ==
          200);
    CHECK(answer("POST /echo", "").status == 200);
    wire.send(
        "POST /echo HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\n"
        "Content-Length: 2\r\n\r\n{}" +
        post("/echo", "[1]"));
    CHECK(wire.receive().status == 403);
    CHECK(wire.receive().body == "POST [1]");
}

TEST_CASE("a trace of a later version comes back as version 00, one of two does not") {
    TestServer server;
    Wire wire(server.port);
    const std::string ids = "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
    const auto sent = [&](const std::string& fields) {
        wire.send("GET /echo HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
        return wire.receive();
    };
    const std::string later = "Traceparent: cc" + ids + "ff-and-more\r\n";
    CHECK(sent(later).has("\r\ntraceparent: 00" + ids + "01\r\n"));
    CHECK_FALSE(sent(later + later).has("traceparent"));
    CHECK_FALSE(sent("traceparent: ff" + ids + "01\r\n").has("traceparent"));
}

TEST_CASE("a route's own body limit holds") {
    TestServer server;
    Wire wire(server.port);
    wire.send(post("/small", "[12345678]"));
    CHECK(wire.receive().status == 200);
    wire.send(post("/small", "[123456789]"));
    CHECK(wire.receive().status == 413);
}

TEST_CASE("an exception becomes 503 or 500 without its text, is counted and reported") {
    std::atomic<int> reported = 0;
    Hooks hooks;
    hooks.on_exception = [&](auto, auto, std::string_view what) {
        reported += what == "secret" || what == "connection to 10.1.2.3 lost";
    };
    TestServer server({}, hooks);
    Wire wire(server.port);
    wire.send(
        "GET /unavailable HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
    const Answer first = wire.receive();
    CHECK(first.status == 503);
    CHECK(first.has("Retry-After: 1"));
    CHECK(first.has("/problems/unavailable"));
    CHECK_FALSE(first.has("10.1.2.3"));
    const Answer second = wire.receive();
    CHECK(second.status == 500);
    CHECK(second.has("/problems/internal"));
    CHECK_FALSE(second.has("secret"));
    CHECK(reported == 2);
    CHECK(server.stats().internal_errors == 1);
}

TEST_CASE("a handler cannot split the header") {
    TestServer server;
    Wire wire(server.port);
    wire.send("GET /split-header HTTP/1.1\r\nHost: x\r\n\r\n");
    const Answer answer = wire.receive();
    CHECK(answer.status == 500);
    CHECK_FALSE(answer.has("Set-Cookie"));
}

TEST_CASE("an answer larger than the socket's buffer arrives whole") {
    TestServer server;
    Wire wire(server.port);
    wire.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    eventually([&] { return server.stats().connections == 1; });
    CHECK(wire.receive().body == std::string(3 << 20, 'x'));
}

TEST_CASE("each answer is given to the metrics hook with route and status") {
    std::promise<std::string> seen;
    Hooks hooks;
    hooks.on_request = [&](std::string_view method, std::string_view route, int status, auto took) {
        seen.set_value(std::string(method) + " " + std::string(route) + " " +
                       std::to_string(status) + (took > 0ns ? "" : " no time"));
    };
    TestServer server({}, hooks);
    Wire wire(server.port);
    wire.send("GET /things/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(seen.get_future().get() == "GET /things/{id} 200");
}

TEST_CASE("a header or body that does not arrive in time is 408, an idle connection just ends") {
    Limits limits;
    limits.header_timeout = limits.body_timeout = limits.idle_timeout = 50ms;
    TestServer server(limits);
    for (const char* start :
         {"GET /ec", "POST /anything HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"}) {
        CAPTURE(start);
        Wire wire(server.port);
        wire.send(start);
        const Answer answer = wire.receive();
        CHECK(answer.status == 408);
        wire.finish_sending();
        CHECK(wire.closed());
    }
    Wire idle(server.port);
    idle.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(idle.receive().status == 200);
    CHECK(idle.closed());
    eventually([&] { return server.stats().connections == 0; });
}

TEST_CASE("requests beyond the in-flight limit are 503 and keep their connection") {
    Limits limits;
    limits.in_flight = 1;
    TestServer server(limits);
    Wire first(server.port), second(server.port);
    first.send("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    eventually([&] { return server.gate.waiting == 1; });
    second.send(post("/echo", "[1]"));
    const Answer refused = second.receive();
    CHECK(refused.status == 503);
    CHECK(refused.has("Retry-After: 1"));
    server.gate.open = true;
    CHECK(first.receive().status == 200);
    second.send(post("/echo", "[1]"));
    CHECK(second.receive().status == 200);
}

TEST_CASE("connections beyond the limit are told 503 and closed") {
    Limits limits;
    limits.connections = 1;
    TestServer server(limits);
    std::optional<Wire> first(server.port);
    first->send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(first->receive().status == 200);
    Wire second(server.port);
    CHECK(second.receive().status == 503);
    CHECK(second.closed());
    first.reset();
    eventually([&] { return server.stats().connections == 0; });
    Wire third(server.port);
    third.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(third.receive().status == 200);
}

TEST_CASE("an orderly stop ends idle connections, finishes running requests and accepts no more") {
    TestServer server;
    Wire busy(server.port), idle(server.port);
    busy.send("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    idle.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(idle.receive().status == 200);
    eventually([&] { return server.gate.waiting == 1; });

    server.server->stop();
    CHECK(idle.closed());
    CHECK_THROWS(Wire(server.port));
    CHECK_FALSE(asio::co_spawn(server.io, server.server->drained(10ms), asio::use_future).get());
    auto drained = asio::co_spawn(server.io, server.server->drained(5s), asio::use_future);
    server.gate.open = true;
    const Answer answer = busy.receive();
    CHECK(answer.status == 200);
    CHECK(answer.has("Connection: close"));
    busy.finish_sending();
    CHECK(drained.get());
}
