// http::Client against our server, and against servers that misbehave.

#include <cstdlib>
#include <sstream>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "unit/http_client_lab.hpp"

using namespace orderflow::http;
using namespace orderflow::http::test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a client keeps its connection and reads what the server says") {
    TestServer server;
    TestClient client(server.port, {}, GENERATE("127.0.0.1", "localhost"));
    for (int i = 0; i < 3; ++i) {
        const ClientResult result = client.call("POST", "/echo", "[1]");
        CAPTURE(result.error);
        REQUIRE(result.is_response());
        CHECK(result.status == 200);
        CHECK(result.body == "POST [1]");
        CHECK(result.headers.find("content-type") == "application/json");
    }
    CHECK(client.call("GET", "/nowhere").status == 404);
    CHECK(client.call("POST", "/echo").body == "POST ");
    CHECK(client.call("GET", "/things/a%2Fb?q=1").body == "a/b1");
    CHECK(server.stats().connections == 1);
}

TEST_CASE("a request says what it is, and nothing else") {
    Received received;
    FakeServer server([&](tcp::socket& socket, int) {
        for (int i = 0; i < 2; ++i) {
            received.add(read_request(socket));
            write(socket, kOk);
        }
    });
    TestClient client(server.port());
    client.call("POST", "/v1/charges", "{}");
    client.call("POST", "/v1/charges/../cancel");
    const std::string host = "Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n";
    CHECK(received.texts() ==
          std::vector<std::string>{
              "POST /v1/charges HTTP/1.1\r\n" + host +
                  "Accept: application/json\r\nContent-Type: application/json\r\n"
                  "Content-Length: 2\r\n\r\n{}",
              "POST /v1/charges/../cancel HTTP/1.1\r\n" + host +
                  "Accept: application/json\r\nContent-Length: 0\r\n\r\n"});
}

TEST_CASE("a request that is not answered in time ends, and its connection with it") {
    TestServer server;
    TestClient client(server.port);
    const auto begun = std::chrono::steady_clock::now();
    const ClientResult result = client.call("POST", "/late", "[1]", 100ms);
    CHECK_FALSE(result.is_response());
    CHECK_THAT(result.error, ContainsSubstring("timed out"));
    CHECK(std::chrono::steady_clock::now() - begun < 2s);
    server.gate.open = true;
    eventually([&] { return server.stats().connections == 0; });
}

TEST_CASE("a server that takes no connection does not hold a request beyond its time") {
    asio::io_context io;
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    acceptor.listen(0);  // nobody accepts: the kernel takes one, the next ones get no answer
    const auto port = acceptor.local_endpoint().port();
    std::vector<std::unique_ptr<Wire>> queue;
    queue.push_back(std::make_unique<Wire>(port));
    TestClient client(port);
    CHECK_THAT(client.call("POST", "/", "{}", 200ms).error, ContainsSubstring("timed out"));
}

// libcurl closes the sockets of such attempts without a word; their numbers come again.
TEST_CASE("after attempts that found no connection the next one does") {
    asio::io_context io;
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    acceptor.listen(0);
    const auto port = acceptor.local_endpoint().port();
    const Wire first(port);
    TestClient client(port);
    for (int i = 0; i < 3; ++i) {
        CHECK_THAT(client.call("POST", "/", "{}", 100ms).error, ContainsSubstring("timed out"));
    }
    auto call = client.start("POST", "/", "{}");
    acceptor.accept();
    tcp::socket socket = acceptor.accept();
    read_request(socket);
    write(socket, kOk);
    CHECK(call.get().status == 200);
}

TEST_CASE("nobody listening is no answer, with the reason") {
    TestClient client(1);
    const ClientResult result = client.call("POST", "/echo", "[1]");
    CHECK_FALSE(result.is_response());
    CHECK_THAT(result.error, ContainsSubstring("onnect"));
}

TEST_CASE("one request too many ends at once, and the others are served") {
    TestServer server;
    ClientLimits limits;
    limits.requests = 2;
    TestClient client(server.port, limits);
    auto first = client.start("GET", "/late");
    auto second = client.start("GET", "/late");
    eventually([&] { return server.gate.waiting == 2; });
    CHECK(client.call("POST", "/echo", "[1]").error == "too many requests at once");
    server.gate.open = true;
    CHECK(first.get().status == 200);
    CHECK(second.get().status == 200);
    CHECK(client.call("POST", "/echo", "[2]").body == "POST [2]");
}

TEST_CASE("many requests at once are each answered with their own answer") {
    TestServer server;
    TestClient client(server.port);
    for (int round = 0; round < 3; ++round) {
        std::vector<std::future<ClientResult>> calls;
        for (int i = 0; i < 200; ++i) {
            calls.push_back(client.start("POST", "/echo", std::to_string(i)));
        }
        for (int i = 0; i < 200; ++i) {
            CHECK(calls[static_cast<std::size_t>(i)].get().body == "POST " + std::to_string(i));
        }
    }
    CHECK(server.stats().connections <= 200);
}

// A thousand handshakes side by side would all be late.
TEST_CASE("few requests wait for a connection at once, the others for their turn") {
    std::mutex mutex;
    std::vector<int> silent;  // taken, and never answered: no handshake goes on
    const auto taken = [&] {
        const std::lock_guard lock(mutex);
        return silent.size();
    };
    FakeServer server([&](tcp::socket& socket, int) {
        const std::lock_guard lock(mutex);
        silent.push_back(socket.release());
    });
    const std::string origin = "https://127.0.0.1:" + std::to_string(server.port());
    TestClient client(TestClient::to(origin));
    std::vector<std::future<ClientResult>> calls;
    for (int i = 0; i < 100; ++i) calls.push_back(client.start("POST", "/", "{}", 1s));
    eventually([&] { return taken() == 32; });
    std::this_thread::sleep_for(200ms);
    CHECK(taken() == 32);
    const auto begun = std::chrono::steady_clock::now();
    for (auto& call : calls) CHECK_FALSE(call.get().is_response());
    CHECK(std::chrono::steady_clock::now() - begun < 3s);  // waiting is part of their time
    for (const int socket : silent) ::close(socket);
}

TEST_CASE("a kept connection that the server has closed is noticed before it is used") {
    FakeServer server([](tcp::socket& socket, int) {
        read_request(socket);
        write(socket, kOk);
        socket.close();
    });
    TestClient client(server.port());
    for (int i = 0; i < 3; ++i) {
        CHECK(client.call("POST", "/", "{}").status == 200);
        std::this_thread::sleep_for(20ms);  // the close is on its way; nothing tells when it came
    }
}

TEST_CASE("after a restart of the server a POST is answered") {
    auto server = std::make_unique<TestServer>();
    const auto port = server->port;
    TestClient client(port);
    CHECK(client.call("POST", "/echo", "[1]").status == 200);
    server.reset();
    CHECK_FALSE(client.call("POST", "/echo", "[2]").is_response());
    asio::io_context io;
    Server again(io, [] {
        Router router;
        router.post("/echo", echo);
        return router;
    }());
    REQUIRE(again.listen("127.0.0.1", port) == port);
    std::jthread thread([&] { io.run(); });
    CHECK(client.call("POST", "/echo", "[3]").body == "POST [3]");
    io.stop();
}

TEST_CASE("a POST that may have arrived is not sent again, a GET is") {
    std::atomic<int> requests = 0;
    FakeServer server([&](tcp::socket& socket, int) {
        requests += !read_request(socket).empty();
        write(socket, kOk);
        requests += !read_request(socket).empty();  // the second one gets no answer
        socket.close();
    });
    TestClient client(server.port());
    const std::string body = GENERATE("{}", "");
    CHECK(client.call("GET", "/").status == 200);
    const ClientResult lost = client.call("POST", "/", body);
    CHECK_FALSE(lost.is_response());
    CHECK(lost.error == "the connection ended without an answer");
    CHECK(requests == 2);
    CHECK(client.call("GET", "/").status == 200);
    CHECK(client.call("GET", "/").status == 200);
    CHECK(requests == 5);
}

TEST_CASE("an answer that is too large or unreadable is no answer") {
    const std::string head = "HTTP/1.1 200 OK\r\n";
    const std::string answer = GENERATE_COPY(
        as<std::string>(), head + "Content-Length: 65537\r\n\r\n" + std::string(65'537, 'x'),
        head + "\r\n" + std::string(65'537, 'x'),
        head + "X: " + std::string(16'400, 'x') + "\r\n\r\n", head + "Content-Length: x\r\n\r\n",
        "220 smtp.example ESMTP\r\n\r\n", head + "Content-Length: 5\r\n\r\nabc", "");
    FakeServer server([&](tcp::socket& socket, int) {
        read_request(socket);
        write(socket, answer);
    });
    TestClient client(server.port());
    const ClientResult result = client.call("POST", "/", "{}");
    CHECK_FALSE(result.is_response());
    CHECK(result.body.empty());
    CHECK(result.headers.size() == 0);
    CHECK_FALSE(result.error.empty());
    CAPTURE(answer.substr(0, 40), result.error);
    CHECK((answer.size() < 10'000 || result.error == "unreadable answer: too large"));
}

TEST_CASE("an answer of the largest size is one") {
    FakeServer server([](tcp::socket& socket, int) {
        read_request(socket);
        write(socket,
              "HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + std::string(65'536, 'x'));
    });
    TestClient client(server.port());
    CHECK(client.call("POST", "/", "{}").body.size() == 65'536);
}

TEST_CASE("an interim answer is skipped, an answer may end with the connection") {
    FakeServer server([](tcp::socket& socket, int) {
        read_request(socket);
        write(socket,
              "HTTP/1.1 100 Continue\r\nX: interim\r\n\r\n"
              "HTTP/1.1 201 Created\r\nRetry-After: \t7 \r\n\r\nabc");
    });
    TestClient client(server.port());
    const ClientResult result = client.call("POST", "/", "{}");
    CHECK(result.status == 201);
    CHECK(result.body == "abc");
    CHECK(result.headers.find("retry-after") == "7");
    CHECK(result.headers.count("x") == 0);
}

TEST_CASE("a redirect is an answer like any other") {
    std::atomic<int> connections = 0;
    FakeServer server([&](tcp::socket& socket, int) {
        ++connections;
        read_request(socket);
        write(socket, "HTTP/1.1 307 Elsewhere\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    });
    TestClient client(server.port());
    CHECK(client.call("POST", "/", "{}").status == 307);
    CHECK(connections == 1);
}

TEST_CASE("idle connections are dropped after their time, and the client goes on") {
    TestServer server;
    ClientLimits limits;
    limits.idle_timeout = 1s;
    TestClient client(server.port, limits);
    for (int i = 0; i < 2; ++i) {
        CHECK(client.call("GET", "/echo").status == 200);
        CHECK(server.stats().connections == 1);
        eventually([&] { return server.stats().connections == 0; });
    }
}

TEST_CASE("a destroyed client ends its running requests") {
    TestServer server;
    TestClient client(server.port);
    auto one = client.start("POST", "/late", "[1]");
    auto two = client.start("POST", "/late", "[2]");
    eventually([&] { return server.gate.waiting == 2; });
    asio::post(client.io, [&] { client.client.reset(); });
    CHECK(one.get().error == "client closed");
    CHECK(two.get().error == "client closed");
    eventually([&] { return server.stats().connections == 2 || server.gate.waiting == 2; });
    server.gate.open = true;
    eventually([&] { return server.stats().connections == 0; });
}

TEST_CASE("an io_context that ends under running requests frees them") {
    TestServer server;
    {
        asio::io_context io;
        Client client(io, TestClient::to("http://127.0.0.1:" + std::to_string(server.port)));
        asio::co_spawn(io, client.request("POST", "/late", "[1]", 5s), [](auto, auto) {});
        while (server.gate.waiting == 0) io.run_for(1ms);
    }
    server.gate.open = true;
    eventually([&] { return server.stats().connections == 0; });
}

TEST_CASE("only http:// and https://host:port are origins, only http proxies are proxies") {
    asio::io_context io;
    for (const char* url : {"http://[::1]:3010", "http://gateway/", "https://pay.example",
                            "https://127.0.0.1:8443"}) {
        CAPTURE(url);
        CHECK_NOTHROW(Client(io, TestClient::to(url)));
    }
    for (const char* url :
         {"ftp://x", "x:80", "", "http://", "http://x:", "http://x:y", "http://x:65536",
          "http://x/y", "http://u:p@x", "http://@x", "http://x?a", "http://x/?", "http://x#a",
          "http://x y", "http://x\r\nA: b", "https:x", "http:///x", "http://[::1"}) {
        CAPTURE(url);
        CHECK_THROWS_AS(Client(io, TestClient::to(url)), std::invalid_argument);
    }
    for (const char* url : {"x:80", "socks4://x", "http://", "http://x/y", "http://us er:p@x"}) {
        CAPTURE(url);
        ClientSettings settings = TestClient::to("http://gateway");
        settings.proxy = url;
        CHECK_THROWS_AS(Client(io, settings), std::invalid_argument);
    }
}

TEST_CASE("only GET, POST and PUT of a path are requests") {
    TestClient client(1);
    const auto [method, target] =
        GENERATE(table<std::string, std::string>({{"DELETE", "/"},
                                                  {"GET /x HTTP/1.1\r\nA: b\r\n", "/"},
                                                  {"GET", "x"},
                                                  {"GET", "/a b"},
                                                  {"GET", "/a\r\nb"},
                                                  {"", "/"},
                                                  {"GET", ""}}));
    CHECK_THROWS_AS(client.call(method, target), std::invalid_argument);
}

TEST_CASE("an IPv6 address is reached and named as it stands in the URL") {
    Received received;
    FakeServer server(
        [&](tcp::socket& socket, int) {
            received.add(read_request(socket));
            write(socket, kOk);
        },
        asio::ip::address_v6::loopback());
    TestClient client(server.port(), {}, "[::1]");
    CHECK(client.call("POST", "/", "{}").status == 200);
    CHECK_THAT(received.texts().at(0),
               ContainsSubstring("Host: [::1]:" + std::to_string(server.port()) + "\r\n"));
}

TEST_CASE("a proxy gets the whole URL, and its password") {
    Received received;
    FakeServer proxy([&](tcp::socket& socket, int) {
        received.add(read_request(socket));
        write(socket, kOk);
    });
    ClientSettings settings = TestClient::to("http://gateway.invalid:3010");
    settings.proxy = "http://user:geheim@127.0.0.1:" + std::to_string(proxy.port());
    TestClient client(settings);
    CHECK(client.call("POST", "/v1/charges", "{}").status == 200);
    const std::string request = received.texts().at(0);
    CHECK(request.starts_with("POST http://gateway.invalid:3010/v1/charges HTTP/1.1\r\n"));
    CHECK_THAT(request, ContainsSubstring("Proxy-Authorization: Basic dXNlcjpnZWhlaW0=\r\n"));
}

TEST_CASE("a proxy of the environment is not used") {
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy"}) {
        ::setenv(name, "http://127.0.0.1:1", 1);
    }
    TestServer server;
    TestClient client(server.port);
    CHECK(client.call("POST", "/echo", "[1]").status == 200);
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy"}) {
        ::unsetenv(name);
    }
}

TEST_CASE("credentials are sent, and new ones within a second or so") {
    Received received;
    FakeServer server([&](tcp::socket& socket, int) {
        for (std::string request; !(request = read_request(socket)).empty();) {
            const auto at = request.find("Authorization: ");
            received.add(request.substr(at, request.find("\r\n", at) - at));
            write(socket, kOk);
        }
    });
    const TemporaryDirectory directory;
    ClientSettings settings = TestClient::to("http://127.0.0.1:" + std::to_string(server.port()));
    settings.credentials_file = directory.write("token", "first-token\r\nsecond line\n");
    TestClient client(settings);
    const auto sent = [&] {
        REQUIRE(client.call("POST", "/", "{}").status == 200);
        return received.texts().back();
    };
    CHECK(sent() == "Authorization: Bearer first-token");

    directory.write("token", "second-token");
    eventually([&] { return sent() == "Authorization: Bearer second-token"; });

    // One that cannot be used, or none: the last ones hold.
    directory.write("token", "two words");
    std::this_thread::sleep_for(1'100ms);
    CHECK(sent() == "Authorization: Bearer second-token");
    std::filesystem::remove(settings.credentials_file);
    std::this_thread::sleep_for(1'100ms);
    CHECK(sent() == "Authorization: Bearer second-token");
}

TEST_CASE("credentials that cannot be read or sent are refused at the start, and not repeated") {
    asio::io_context io;
    const TemporaryDirectory directory;
    ClientSettings settings = TestClient::to("http://gateway");
    settings.credentials_file = directory.path / "none";
    CHECK_THROWS_WITH(Client(io, settings), ContainsSubstring("cannot read a secret from"));
    const char* text = GENERATE("", "\nx", "\r\n", "geheim geheim", "geheim\x01", "geheim\xc3\xa9");
    settings.credentials_file = directory.write("token", text);
    CHECK_THROWS_WITH(Client(io, settings),
                      ContainsSubstring(settings.credentials_file) && !ContainsSubstring("geheim"));
}

TEST_CASE("no credentials: no Authorization field") {
    Received received;
    FakeServer server([&](tcp::socket& socket, int) {
        received.add(read_request(socket));
        write(socket, kOk);
    });
    TestClient client(server.port());
    client.call("GET", "/");
    CHECK_THAT(received.texts().at(0), !ContainsSubstring("uthorization"));
}

TEST_CASE("no error holds the credentials, or the proxy's password") {
    const TemporaryDirectory directory;
    FakeServer server([](tcp::socket& socket, int n) {
        read_request(socket);
        const char* answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "nonsense\r\n\r\n",
                                 "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n", ""};
        write(socket, answers[n % 4]);
    });
    ClientSettings settings = TestClient::to(GENERATE("http", "https") + "://gateway.invalid"s);
    settings.credentials_file = directory.write("token", "geheim-token");
    const int port = GENERATE(true, false) ? server.port() : 1;  // 1: nobody listens
    settings.proxy = "http://user:geheim@127.0.0.1:" + std::to_string(port);
    TestClient client(settings);
    for (int i = 0; i < 4; ++i) {
        const ClientResult result = client.call("POST", "/", "{}");
        CHECK((result.status == 407 || !result.error.empty()));
        CHECK_THAT(result.error, !ContainsSubstring("geheim") && !ContainsSubstring("Bearer"));
    }
}
