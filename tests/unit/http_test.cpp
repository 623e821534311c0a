// libs/http against real sockets: a server in this process on a free port, and either raw bytes
// (what a client must not be able to do) or our own client.

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "core/unavailable.hpp"
#include "http/client.hpp"
#include "http/problem.hpp"
#include "http/router.hpp"
#include "http/server.hpp"

namespace {

namespace asio = boost::asio;
using namespace orderflow;
using namespace orderflow::http;
using namespace std::chrono_literals;
using namespace std::string_literals;
using tcp = asio::ip::tcp;

asio::awaitable<Response> echo(Request request) {
    co_return json_response(200, request.method + " " + request.body);
}

asio::awaitable<Response> show_param(Request request) {
    co_return json_response(200, request.param("id") + request.query_param("q").value_or(""));
}

asio::awaitable<Response> big(Request) { co_return json_response(200, std::string(3 << 20, 'x')); }

asio::awaitable<Response> unavailable(Request) {
    throw Unavailable("connection to 10.1.2.3 lost");
    co_return Response();
}

asio::awaitable<Response> broken(Request) {
    throw std::runtime_error("secret");
    co_return Response();
}

asio::awaitable<Response> split_header(Request) {
    Response response = json_response(200, "{}");
    response.headers.emplace_back("Location", "/a\r\nSet-Cookie: x");
    co_return response;
}

// Answers when the test says so.
struct Gate {
    std::atomic<int> waiting = 0;
    std::atomic<bool> open = false;

    asio::awaitable<Response> wait(Request) {
        ++waiting;
        asio::steady_timer timer(co_await asio::this_coro::executor);
        while (!open) {
            timer.expires_after(1ms);
            co_await timer.async_wait(asio::use_awaitable);
        }
        --waiting;
        co_return json_response(200, "\"late\"");
    }
};

void eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(1ms);
    }
    REQUIRE(condition());
}

struct TestServer {
    explicit TestServer(Limits limits = {}, Hooks hooks = {}) {
        Router router;
        router.get("/echo", echo);
        router.post("/echo", echo);
        router.post("/small", echo, {.body_limit_bytes = 10});
        router.post("/anything", echo, {.body_limit_bytes = 0, .content_type = ""});
        router.get("/things/{id}", show_param);
        router.get("/big", big);
        router.get("/unavailable", unavailable);
        router.get("/broken", broken);
        router.get("/split-header", split_header);
        router.get("/late", [this](Request r) { return gate.wait(std::move(r)); });
        router.post("/late", [this](Request r) { return gate.wait(std::move(r)); });
        server.emplace(io, std::move(router), limits, std::move(hooks));
        port = server->listen("127.0.0.1", 0);
        thread = std::jthread([this] { io.run(); });
    }
    ~TestServer() {
        gate.open = true;
        io.stop();
        thread.join();
    }
    ServerStats stats() {
        std::promise<ServerStats> promise;
        asio::post(io, [&] { promise.set_value(server->stats()); });
        return promise.get_future().get();
    }

    Gate gate;
    asio::io_context io;
    std::optional<Server> server;
    unsigned short port = 0;
    std::jthread thread;
};

struct Answer {
    int status = 0;  // 0: the connection was closed instead
    std::string head;
    std::string body;
    bool has(std::string_view text) const {
        return (head + body).find(text) != std::string::npos;
    }
};

// A client without manners.
class Wire {
public:
    explicit Wire(unsigned short port) : socket_(io_) {
        socket_.connect({asio::ip::address_v4::loopback(), port});
        const timeval limit{5, 0};
        setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    void send(std::string_view bytes) {
        boost::system::error_code ec;  // the server may have closed already
        asio::write(socket_, asio::buffer(bytes), ec);
        send_failed = send_failed || ec;
    }
    void finish_sending() { socket_.shutdown(tcp::socket::shutdown_send); }

    Answer receive(bool head_only = false) {
        Answer answer;
        std::size_t end = 0;
        while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
            if (!more()) return answer;
        }
        answer.head = in_.substr(0, end + 4);
        in_.erase(0, end + 4);
        answer.status = std::stoi(answer.head.substr(9, 3));
        const std::size_t field = answer.head.find("Content-Length: ");
        std::size_t length = 0;
        if (!head_only && field != std::string::npos) {
            length = std::stoul(answer.head.substr(field + 16));
        }
        while (in_.size() < length) {
            if (!more()) return {};
        }
        answer.body = in_.substr(0, length);
        in_.erase(0, length);
        return answer;
    }
    bool send_failed = false;
    bool closed() { return in_.empty() && !more() && !timed_out_; }

private:
    bool more() {
        std::string chunk(65536, '\0');
        const auto n = ::recv(socket_.native_handle(), chunk.data(), chunk.size(), 0);
        timed_out_ = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        if (n > 0) in_.append(chunk, 0, static_cast<std::size_t>(n));
        return n > 0;
    }
    asio::io_context io_;
    tcp::socket socket_;
    std::string in_;
    bool timed_out_ = false;
};

std::string post(std::string_view path, std::string_view body) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" +
           "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

const std::string json_head =
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

}  // namespace

// ---- values ------------------------------------------------------------------------------------

TEST_CASE("header names are found without regard to case, and counted") {
    Headers headers;
    headers.add("Idempotency-Key", "a");
    headers.add("idempotency-key", "b");
    CHECK(headers.find("IDEMPOTENCY-KEY") == "a");
    CHECK(headers.count("Idempotency-Key") == 2);
    CHECK(headers.find("absent").empty());
}

TEST_CASE("query parameters are decoded; a broken escape counts as absent") {
    Request request;
    request.query = "customerId=a%20b+c&status=&cursor=%zz&flag";
    CHECK(request.query_param("customerId") == "a b c");
    CHECK(request.query_param("status") == "");
    CHECK(request.query_param("flag") == "");
    CHECK_FALSE(request.query_param("cursor"));
    CHECK_FALSE(request.query_param("absent"));
    CHECK_FALSE(percent_decode("a%00"));
    CHECK_FALSE(percent_decode("a%4"));
}

TEST_CASE("a problem carries type, status and the errors of single fields") {
    const Response response =
        problem(422, "validation", "Invalid", "See \"errors\".", {{"/items/0", "range", "1..100"}});
    CHECK(response.content_type == "application/problem+json");
    CHECK(response.body == R"({"type":"/problems/validation","title":"Invalid","status":422,)"
                           R"("detail":"See \"errors\".","errors":[{"pointer":"/items/0",)"
                           R"("code":"range","detail":"1..100"}]})");
}

// ---- router ------------------------------------------------------------------------------------

TEST_CASE("the earlier literal wins over a variable, whatever the order of registration") {
    Router router;
    router.get("/api/{kind}/{id}", echo);
    router.get("/api/orders/{id}", echo);
    router.get("/api/orders/open", echo);
    CHECK(router.match("GET", "/api/orders/open").route->pattern == "/api/orders/open");
    CHECK(router.match("GET", "/api/orders/1").route->pattern == "/api/orders/{id}");
    CHECK(router.match("GET", "/api/x/1").route->pattern == "/api/{kind}/{id}");
}

TEST_CASE("an unknown path has no methods, a known one lists them") {
    Router router;
    router.get("/orders/{id}", echo);
    router.put("/orders/{id}", echo);
    CHECK(router.match("DELETE", "/orders/1").allow == "GET, HEAD, PUT");
    CHECK(router.match("HEAD", "/orders/1").route != nullptr);
    for (const char* path : {"/", "/orders", "/orders/", "/orders/1/", "//orders/1", "orders/1",
                             "/orders/1/2", "/orders/%zz", "*", ""}) {
        CAPTURE(path);
        const auto match = router.match("GET", path);
        CHECK(match.route == nullptr);
        CHECK(match.allow.empty());
    }
}

TEST_CASE("path variables are decoded after the path was split") {
    Router router;
    router.get("/c/{id}/x", echo);
    const auto match = router.match("GET", "/c/charge%3A1%2F2/x");
    REQUIRE(match.params.size() == 1);
    CHECK(match.params[0] == std::pair<std::string, std::string>("id", "charge:1/2"));
}

TEST_CASE("a route registered twice or malformed is a programming error") {
    Router router;
    router.get("/a/{id}", echo);
    CHECK_THROWS_AS(router.get("/a/{id}", echo), std::logic_error);
    CHECK_THROWS_AS(router.post("/a/{other}", echo), std::logic_error);
    CHECK_THROWS_AS(router.get("a", echo), std::logic_error);
    CHECK_THROWS_AS(router.get("/a{id}", echo), std::logic_error);
}

// ---- server: framing ---------------------------------------------------------------------------

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
        Row{"TE gzip, chunked",
            json_head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "framing"},
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
    wire.send(json_head + "Transfer-Encoding: Chunked\r\n\r\n1;x=y\r\n[\r\n2\r\n1]\r\n0\r\n"
                          "X-Checksum: 1\r\n\r\n");
    CHECK(wire.receive().body == "POST [1]");
    wire.send(post("/echo", "[2]"));
    CHECK(wire.receive().body == "POST [2]");
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

// ---- server: answers ---------------------------------------------------------------------------

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
    wire.send("GET /unavailable HTTP/1.1\r\nHost: x\r\n\r\n"
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

// ---- server: limits and time -------------------------------------------------------------------

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

// ---- client ------------------------------------------------------------------------------------

namespace {

using Outcome = ClientResult::Outcome;

// A client in its own thread, called from the test's.
struct TestClient {
    explicit TestClient(unsigned short port, ClientLimits limits = {},
                        std::string host = "127.0.0.1")
        : work(asio::make_work_guard(io)),
          client(std::in_place, io, "http://" + host + ":" + std::to_string(port), limits),
          thread([this] { io.run(); }) {}
    ~TestClient() {
        io.stop();
        thread.join();
    }
    std::future<ClientResult> start(std::string method, std::string target, std::string body = "",
                                    std::chrono::milliseconds timeout = 5s) {
        return asio::co_spawn(io, client->request(method, target, body, timeout), asio::use_future);
    }
    ClientResult call(std::string method, std::string target, std::string body = "",
                      std::chrono::milliseconds timeout = 5s) {
        return start(method, target, body, timeout).get();
    }

    asio::io_context io;
    asio::executor_work_guard<asio::io_context::executor_type> work;
    std::optional<Client> client;
    std::jthread thread;
};

// Accepts connections and treats each with `script`.
struct FakeServer {
    explicit FakeServer(std::function<void(tcp::socket&, int)> script)
        : acceptor(io, {asio::ip::address_v4::loopback(), 0}),
          thread([this, script](std::stop_token stop) {
              for (int n = 0; !stop.stop_requested(); ++n) {
                  boost::system::error_code ec;
                  tcp::socket socket = acceptor.accept(ec);
                  if (ec || stop.stop_requested()) return;
                  script(socket, n);
              }
          }) {}
    ~FakeServer() {
        thread.request_stop();
        asio::io_context other;
        tcp::socket wake(other);
        boost::system::error_code ignored;
        wake.connect({asio::ip::address_v4::loopback(), port()}, ignored);
    }
    unsigned short port() { return acceptor.local_endpoint().port(); }

    asio::io_context io;
    tcp::acceptor acceptor;
    std::jthread thread;
};

void read_request(tcp::socket& socket) {
    std::string bytes(4096, '\0');
    boost::system::error_code ignored;
    socket.read_some(asio::buffer(bytes), ignored);
}

void answer_ok(tcp::socket& socket) {
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")),
                ignored);
}

}  // namespace

TEST_CASE("a client keeps its connection and reads what the server says") {
    TestServer server;
    TestClient client(server.port, {}, GENERATE("127.0.0.1", "localhost"));
    for (int i = 0; i < 3; ++i) {
        const ClientResult result = client.call("POST", "/echo", "[1]");
        REQUIRE(result.outcome == Outcome::response);
        CHECK(result.status == 200);
        CHECK(result.body == "POST [1]");
        CHECK(result.headers.find("content-type") == "application/json");
    }
    CHECK(client.client->open_connections() == 1);
    CHECK(server.stats().connections == 1);
    CHECK(client.call("GET", "/nowhere").status == 404);
    CHECK(client.call("HEAD", "/echo").status == 200);
    CHECK(client.client->open_connections() == 1);
}

TEST_CASE("an unanswered request is maybe_sent once its time is over") {
    TestServer server;
    TestClient client(server.port);
    const ClientResult result = client.call("POST", "/late", "[1]", 100ms);
    CHECK(result.outcome == Outcome::maybe_sent);
    CHECK(result.error == "timeout");
    CHECK(client.client->open_connections() == 0);
}

TEST_CASE("nobody listening is never_sent") {
    TestClient client(1);
    const ClientResult result = client.call("POST", "/echo", "[1]");
    CHECK(result.outcome == Outcome::never_sent);
    CHECK(result.error.starts_with("connect: "));
    CHECK(client.client->open_connections() == 0);
}

TEST_CASE("without a free connection in time a request is never_sent, with one it is served") {
    TestServer server;
    ClientLimits limits;
    limits.connections = 1;
    TestClient client(server.port, limits);
    auto first = client.start("GET", "/late");
    eventually([&] { return server.gate.waiting == 1; });
    CHECK(client.call("POST", "/echo", "[1]", 100ms).outcome == Outcome::never_sent);
    auto second = client.start("POST", "/echo", "[2]");
    auto third = client.start("POST", "/echo", "[3]");
    server.gate.open = true;
    CHECK(first.get().status == 200);
    CHECK(second.get().body == "POST [2]");
    CHECK(third.get().body == "POST [3]");
}

TEST_CASE("a kept connection that the server has closed is noticed before it is used") {
    FakeServer server([](tcp::socket& socket, int) {
        read_request(socket);
        answer_ok(socket);
        socket.close();
    });
    TestClient client(server.port());
    for (int i = 0; i < 3; ++i) {
        CHECK(client.call("POST", "/", "{}").outcome == Outcome::response);
        std::this_thread::sleep_for(20ms);  // the close is on its way; nothing tells when it came
    }
}

TEST_CASE("a POST that may have arrived is not sent again, a GET is") {
    std::atomic<int> connections = 0;
    FakeServer server([&](tcp::socket& socket, int n) {
        connections = n + 1;
        read_request(socket);
        answer_ok(socket);
        read_request(socket);  // the second one on this connection gets no answer
        socket.close();
    });
    TestClient client(server.port());
    CHECK(client.call("GET", "/").outcome == Outcome::response);
    CHECK(client.call("POST", "/", "{}").outcome == Outcome::maybe_sent);
    CHECK(connections == 1);
    CHECK(client.call("GET", "/").outcome == Outcome::response);
    CHECK(client.call("GET", "/").outcome == Outcome::response);
    CHECK(connections == 3);
}

TEST_CASE("an answer that is too large or unreadable is maybe_sent") {
    const std::string answer = GENERATE(as<std::string>(),
                                        "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                                        "220 smtp.example ESMTP\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    FakeServer server([&](tcp::socket& socket, int) {
        read_request(socket);
        asio::write(socket, asio::buffer(answer));
    });
    TestClient client(server.port());
    const ClientResult result = client.call("POST", "/", "{}");
    CHECK(result.outcome == Outcome::maybe_sent);
    CHECK(result.body.empty());
}

TEST_CASE("an interim answer is skipped, an answer may end with the connection") {
    FakeServer server([&](tcp::socket& socket, int) {
        read_request(socket);
        asio::write(socket, asio::buffer(std::string(
                                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n\r\nabc")));
    });
    TestClient client(server.port());
    const ClientResult result = client.call("POST", "/", "{}");
    CHECK(result.status == 201);
    CHECK(result.body == "abc");
    CHECK(client.client->open_connections() == 0);
}

TEST_CASE("idle connections are dropped after their time") {
    TestServer server;
    ClientLimits limits;
    limits.idle_timeout = 50ms;
    TestClient client(server.port, limits);
    CHECK(client.call("GET", "/echo").status == 200);
    eventually([&] { return server.stats().connections == 0; });
}

TEST_CASE("a destroyed client ends its running requests") {
    TestServer server;
    TestClient client(server.port);
    auto pending = client.start("POST", "/late", "[1]");
    eventually([&] { return server.gate.waiting == 1; });
    asio::post(client.io, [&] { client.client.reset(); });
    const ClientResult result = pending.get();
    CHECK(result.outcome == Outcome::maybe_sent);
    CHECK(result.error == "client closed");
}

TEST_CASE("only http://host:port is an origin") {
    asio::io_context io;
    CHECK_NOTHROW(Client(io, "http://[::1]:3010"));
    CHECK_NOTHROW(Client(io, "http://gateway/"));
    for (const char* url :
         {"https://x", "x:80", "http://", "http://x:", "http://x:y", "http://x/y"}) {
        CAPTURE(url);
        CHECK_THROWS_AS(Client(io, url), std::invalid_argument);
    }
}
