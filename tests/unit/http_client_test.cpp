// Our HTTP client against our server, and against servers that misbehave.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "http/client.hpp"
#include "unit/http_lab.hpp"

namespace {

using namespace orderflow::http;
using namespace orderflow::http::test;
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
