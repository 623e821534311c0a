// How the HTTP server reads what arrives: framing, refusals, pipelining. Raw bytes on real sockets.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "unit/http_lab.hpp"

using namespace orderflow::http;
using namespace orderflow::http::test;

TEST_CASE("a malformed or ambiguous request is refused and its connection closed") {
    struct Row {
        const char* name;
        std::string bytes;
        int status;
        const char* type;
        bool ends = true;  // more follows; false: the server must decide on what it has
    };
    const std::string next = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";  // must never be answered
    const auto row = GENERATE_COPY(
        Row{"no version", "GET /echo\r\n\r\n", 400, "malformed-request"},
        Row{"bad version", "GET /echo HTTP/2.0\r\nHost: x\r\n\r\n", 400, "malformed-request"},
        Row{"bare LF", "GET /echo HTTP/1.1\nHost: x\n\n", 400, "malformed-request"},
        Row{"NUL", "GET /echo HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"s, 400, "malformed-request"},
        Row{"folded line", "GET /echo HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400,
            "malformed-request"},
        Row{"space before colon", "GET /echo HTTP/1.1\r\nHost : x\r\n\r\n", 400,
            "malformed-request"},
        Row{"no host", "GET /echo HTTP/1.1\r\n\r\n", 400, "malformed-request"},
        Row{"two hosts", "GET /echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400,
            "malformed-request"},
        Row{"target without slash", "GET echo HTTP/1.1\r\nHost: x\r\n\r\n", 400,
            "malformed-request"},
        Row{"TE gzip", json_head + "Transfer-Encoding: gzip\r\n\r\n", 400, "framing"},
        Row{"TE gzip and CL", json_head + "Transfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
            400, "framing"},
        Row{"TE chunked, gzip", json_head + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400,
            "framing"},
        Row{"TE gzip, chunked", json_head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            400, "framing"},
        Row{"TE twice",
            json_head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400, "framing"},
        Row{"TE then CL",
            json_head + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400,
            "framing"},
        Row{"CL then TE",
            json_head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
            "framing"},
        Row{"TE on 1.0",
            "POST /echo HTTP/1.0\r\nContent-Type: application/json\r\nTransfer-Encoding: "
            "chunked\r\n\r\n0\r\n\r\n",
            400, "framing"},
        Row{"two CL", json_head + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400,
            "framing"},
        Row{"CL list", json_head + "Content-Length: 3, 3\r\n\r\nabc", 400, "framing"},
        Row{"CL sign", json_head + "Content-Length: +3\r\n\r\nabc", 400, "framing"},
        Row{"CL negative", json_head + "Content-Length: -3\r\n\r\nabc", 400, "framing"},
        Row{"CL huge", json_head + "Content-Length: 99999999999999999999999\r\n\r\n", 400,
            "framing"},
        Row{"bad chunk size", json_head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400,
            "framing"},
        Row{"chunk longer than said",
            json_head + "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 400, "framing"},
        Row{"long chunk extension",
            json_head + "Transfer-Encoding: chunked\r\n\r\n1;a=" + std::string(2000, 'x') +
                "\r\na\r\n0\r\n\r\n",
            400, "framing"},
        Row{"endless chunk line",
            json_head + "Transfer-Encoding: chunked\r\n\r\n1;a=" + std::string(20000, 'x'), 400,
            "framing", false},
        Row{"trailer with authority",
            json_head + "Transfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: x\r\n\r\n", 400,
            "framing"},
        Row{"trailer with length",
            json_head + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n", 400,
            "framing"},
        Row{"header too long",
            "GET /echo HTTP/1.1\r\nHost: x\r\nA: " + std::string(9000, 'x') + "\r\n\r\n", 431,
            "headers-too-large"},
        Row{"header never ends", "GET /echo HTTP/1.1\r\nA: " + std::string(9000, 'x'), 431,
            "headers-too-large", false},
        Row{"URI too long", "GET /" + std::string(3000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414,
            "uri-too-long"},
        Row{"URI never ends", "GET /" + std::string(9000, 'x'), 414, "uri-too-long", false},
        Row{"body declared too large", json_head + "Content-Length: 65537\r\n\r\n", 413,
            "body-too-large"},
        Row{"chunk too large", json_head + "Transfer-Encoding: chunked\r\n\r\n10001\r\n", 413,
            "body-too-large"},
        Row{"odd expectation", json_head + "Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}", 417,
            "expectation"});
    CAPTURE(row.name);

    TestServer server;
    Wire wire(server.port);
    wire.send(row.ends ? row.bytes + next : row.bytes);
    const Answer answer = wire.receive();
    CHECK(answer.status == row.status);
    CHECK(answer.has("\"type\":\"/problems/" + std::string(row.type) + "\""));
    CHECK(answer.has("application/problem+json"));
    CHECK(answer.has("Connection: close"));
    wire.finish_sending();
    CHECK(wire.closed());
}

TEST_CASE("a client that is refused may finish sending, so that it gets to read why") {
    TestServer server;
    Wire wire(server.port);
    wire.send(json_head + "Content-Length: 200000\r\n\r\n");
    CHECK(wire.receive().status == 413);
    wire.send(std::string(100'000, 'x'));
    server.stats();  // by now a server that does not listen would have reset the connection
    wire.send(std::string(100'000, 'x'));
    CHECK_FALSE(wire.send_failed);
}

TEST_CASE("more than 64 header fields are refused") {
    TestServer server;
    Wire wire(server.port);
    std::string head = "GET /echo HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 63; ++i) head += "A: b\r\n";
    wire.send(head + "\r\n");
    CHECK(wire.receive().status == 200);
    wire.send(head + "A: b\r\n\r\n");
    CHECK(wire.receive().status == 431);
}

TEST_CASE("a request may arrive byte by byte, several may arrive at once, answers keep the order") {
    TestServer server;
    Wire wire(server.port);
    for (const char c : post("/echo", "[1]")) wire.send(std::string_view(&c, 1));
    CHECK(wire.receive().body == "POST [1]");
    wire.send(post("/echo", "[2]") + post("/nowhere", "[3]") + post("/echo", "[4]") +
              "GET /things/7?q=x HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(wire.receive().body == "POST [2]");
    CHECK(wire.receive().status == 404);
    CHECK(wire.receive().body == "POST [4]");
    CHECK(wire.receive().body == "7x");
}

TEST_CASE("a chunked body is joined, its trailers are dropped") {
    TestServer server;
    Wire wire(server.port);
    wire.send(json_head +
              "Transfer-Encoding: Chunked\r\n\r\n1;x=y\r\n[\r\n2\r\n1]\r\n0\r\n"
              "X-Checksum: 1\r\n\r\n");
    CHECK(wire.receive().body == "POST [1]");
    wire.send(post("/echo", "[2]"));
    CHECK(wire.receive().body == "POST [2]");
}

TEST_CASE("a chunked body may arrive byte by byte to its end") {
    TestServer server;
    Wire wire(server.port);
    const std::string request =
        json_head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    for (const char byte : request) wire.send(std::string(1, byte));
    CHECK(wire.receive().status == 200);
}

TEST_CASE("an absolute target and HTTP/1.0 are served") {
    TestServer server;
    Wire wire(server.port);
    wire.send("GET http://shop.test/things/9 HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    CHECK(wire.receive().body == "9");
    wire.send("GET /echo HTTP/1.0\r\n\r\n");
    const Answer answer = wire.receive();
    CHECK(answer.status == 200);
    CHECK(answer.has("Connection: close"));
    CHECK(wire.closed());
}

TEST_CASE("an HTTP/1.0 connection that is kept is said to be, any other is ended") {
    struct Row {
        const char* name;
        std::string version;
        std::string fields;
        const char* connection;  // of the answer; empty: not a word
    };
    const auto row = GENERATE_COPY(
        Row{"1.0 alone", "1.0", "", "close"},
        Row{"1.0 keep-alive", "1.0", "Connection: keep-alive\r\n", "keep-alive"},
        Row{"1.0 Keep-Alive", "1.0", "CONNECTION:Keep-Alive\r\n", "keep-alive"},
        Row{"1.0 in a list", "1.0", "Connection: x,\tkeep-alive ,, y\r\n", "keep-alive"},
        Row{"1.0 in a second field", "1.0", "Connection: x\r\nConnection: keep-alive\r\n",
            "keep-alive"},
        Row{"1.0 both", "1.0", "Connection: keep-alive, close\r\n", "close"},
        Row{"1.0 both in two", "1.0", "Connection: close\r\nConnection: keep-alive\r\n", "close"},
        Row{"1.0 another token", "1.0", "Connection: keep-alives\r\n", "close"},
        Row{"1.0 another field", "1.0", "Proxy-Connection: keep-alive\r\nKeep-Alive: 5\r\n",
            "close"},
        Row{"1.1 alone", "1.1", "", ""},
        Row{"1.1 keep-alive", "1.1", "Connection: keep-alive\r\n", ""},
        Row{"1.1 another field", "1.1", "Proxy-Connection: close\r\n", ""},
        Row{"1.1 close", "1.1", "Connection: close\r\n", "close"},
        Row{"1.1 Close in a list", "1.1", "Connection: keep-alive, Close\r\n", "close"});
    // A refusal is an answer like any other, and so is one that has no body.
    const auto path = GENERATE(as<std::string>{}, "GET /echo", "GET /nowhere", "DELETE /echo",
                               "HEAD /echo", "GET /unavailable");
    CAPTURE(row.name, path);

    TestServer server;
    Wire wire(server.port);
    const std::string request =
        path + " HTTP/" + row.version + "\r\nHost: x\r\n" + row.fields + "\r\n";
    wire.send(request);
    const Answer first = wire.receive(path.starts_with("HEAD"));
    REQUIRE(first.status != 0);
    const std::string connection = row.connection;
    if (connection.empty()) {
        CHECK_FALSE(first.has("\r\nConnection:"));
    } else {
        CHECK(first.has("\r\nConnection: " + connection + "\r\n"));
    }
    if (connection == "close") {
        CHECK(wire.closed());
    } else {
        wire.send(request);
        CHECK(wire.receive(path.starts_with("HEAD")).status == first.status);
    }
}

TEST_CASE("a body without a byte is none, however it is framed") {
    const std::string framing =
        GENERATE(as<std::string>{}, "\r\n", "Content-Length: 0\r\n\r\n",
                 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 "Transfer-Encoding: chunked\r\n\r\n000;x=y\r\nX-Trailer: 1\r\n\r\n");
    const std::string type = GENERATE(as<std::string>{}, "", "Content-Type: text/plain\r\n",
                                      "Content-Encoding: gzip\r\n");
    const auto method = GENERATE(as<std::string>{}, "POST", "GET");
    CAPTURE(framing, type, method);
    TestServer server;
    Wire wire(server.port);
    wire.send(method + " /echo HTTP/1.1\r\nHost: x\r\n" + type + framing);
    const Answer answer = wire.receive();
    CHECK(answer.status == 200);
    CHECK(answer.body == method + " ");
    wire.send(post("/echo", "[1]"));
    CHECK(wire.receive().body == "POST [1]");
}

TEST_CASE("a body in chunks has a media type as soon as it has a byte") {
    const auto method = GENERATE(as<std::string>{}, "POST", "GET");
    const auto type = GENERATE(as<std::string>{}, "", "Content-Type: text/plain\r\n",
                               "Content-Type: application/json\r\nContent-Encoding: gzip\r\n");
    TestServer server;
    Wire wire(server.port);
    wire.send(method + " /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + type +
              "\r\n1\r\n \r\n0\r\n\r\n");
    CHECK(wire.receive().status == 415);
    wire.send(post("/echo", "[1]"));
    CHECK(wire.receive().body == "POST [1]");
}

TEST_CASE("100-continue is sent when the body is wanted, and only then") {
    TestServer server;
    Wire wire(server.port);
    const std::string rest = "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    wire.send(json_head + rest);
    CHECK(wire.receive().status == 100);
    wire.send("[1]");
    CHECK(wire.receive().body == "POST [1]");
    wire.send("POST /nowhere HTTP/1.1\r\nHost: x\r\n" + rest);
    const Answer answer = wire.receive();
    CHECK(answer.status == 404);
    CHECK(answer.has("Connection: close"));
}
