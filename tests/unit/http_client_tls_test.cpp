// http::Client over TLS: whom it believes, and what it says if it does not.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "unit/http_client_lab.hpp"
#include "unit/tls_lab.hpp"

using namespace orderflow::http;
using namespace orderflow::http::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// A server for `localhost`, a directory with `ca.pem`, and what a client needs to reach it.
struct TlsWorld {
    explicit TlsWorld(const Subject& subject = {}) : server(ca.issue(subject)) {
        settings.origin = "https://localhost:" + std::to_string(server.port());
        settings.ca_file = directory.write("ca.pem", ca.pem());
    }
    ClientResult call() { return TestClient(settings).call("POST", "/", "{}"); }

    TemporaryDirectory directory;
    CertificateAuthority ca;
    TlsServer server;
    ClientSettings settings;
};

}  // namespace

TEST_CASE("TLS: a server whose certificate the CA file vouches for is believed") {
    TlsWorld world;
    for (const char* host : {"localhost", "127.0.0.1", "[::1]"}) {
        CAPTURE(host);
        world.settings.origin =
            "https://" + std::string(host) + ":" + std::to_string(world.server.port());
        const ClientResult result = world.call();
        CAPTURE(result.error);
        CHECK(result.status == 200);
        CHECK(result.body == "{}");
    }
}

TEST_CASE("TLS: a name that is not the certificate's is refused") {
    TlsWorld world({.names = "DNS:gateway.example"});
    const ClientResult result = world.call();
    CHECK_FALSE(result.is_response());
    CHECK_THAT(result.error, ContainsSubstring("localhost"));
    CHECK(world.server.requests() == 0);
}

TEST_CASE("TLS: a certificate that is over, or not yet valid, is refused") {
    const auto [from_s, until_s, reason] =
        GENERATE(table<long, long, const char*>({{-7'200, -3'600, "certificate has expired"},
                                                 {3'600, 7'200, "certificate is not yet valid"}}));
    TlsWorld world({.from_s = from_s, .until_s = until_s});
    const ClientResult result = world.call();
    CHECK_FALSE(result.is_response());
    CHECK_THAT(result.error, ContainsSubstring(reason));
    CHECK(world.server.requests() == 0);
}

TEST_CASE("TLS: an unknown CA is refused, also by those that trust the system's") {
    TlsWorld world;
    const CertificateAuthority another;
    world.settings.ca_file =
        GENERATE(true, false) ? world.directory.write("ca.pem", another.pem()) : std::string();
    const ClientResult result = world.call();
    CHECK_FALSE(result.is_response());
    CHECK_THAT(result.error, ContainsSubstring("certificate"));
    CHECK(world.server.requests() == 0);
}

TEST_CASE("TLS: a new CA file is taken by new connections, within a minute or by a new client") {
    TlsWorld world;
    const CertificateAuthority another;
    const std::string good = world.ca.pem();
    world.directory.write("ca.pem", another.pem());
    CHECK_FALSE(world.call().is_response());
    world.directory.write("ca.pem", another.pem() + good);
    CHECK(world.call().status == 200);
}

TEST_CASE("TLS: a CA file that holds none is refused at the start, by its name") {
    TlsWorld world;
    asio::io_context io;
    world.settings.ca_file = world.directory.path / "none.pem";
    CHECK_THROWS_WITH(
        Client(io, world.settings),
        ContainsSubstring("cannot read a CA certificate from") && ContainsSubstring("none.pem"));
    world.settings.ca_file = world.directory.path;
    CHECK_THROWS_AS(Client(io, world.settings), std::runtime_error);
    world.settings.ca_file = world.directory.write("key.pem", "-----BEGIN PRIVATE KEY-----\n");
    CHECK_THROWS_WITH(Client(io, world.settings), ContainsSubstring("contains no CA certificate"));
}

TEST_CASE("TLS: a session is taken up again by the next connection") {
    TlsWorld world;
    world.server.close_after_each(true);
    TestClient client(world.settings);
    for (int i = 0; i < 3; ++i) CHECK(client.call("POST", "/", "{}").status == 200);
    CHECK(world.server.handshakes() == 3);
    CHECK(world.server.resumed() == 2);
}

TEST_CASE("TLS: a session outlives idle time, and is every request's") {
    TlsWorld world;
    ClientLimits limits;
    limits.idle_timeout = 1s;
    TestClient client(world.settings, limits);
    CHECK(client.call("POST", "/", "{}").status == 200);
    eventually([&] { return world.server.ended() == 1; });
    CHECK(client.call("POST", "/", "{}").status == 200);
    CHECK(world.server.resumed() == 1);
}

TEST_CASE("TLS: a connection is kept") {
    TlsWorld world;
    TestClient client(world.settings);
    for (int i = 0; i < 3; ++i) CHECK(client.call("POST", "/", "{}").status == 200);
    CHECK(world.server.handshakes() == 1);
}

TEST_CASE("TLS: a POST is not sent again over a kept connection that ends") {
    TlsWorld world;
    TestClient client(world.settings);
    CHECK(client.call("POST", "/", "{}").status == 200);
    world.server.hang_up_on_next();
    CHECK_FALSE(client.call("POST", "/", "{}").is_response());
    CHECK(world.server.requests() == 2);
    CHECK(client.call("POST", "/", "{}").status == 200);
}

TEST_CASE("TLS: a tunnel through a proxy, which sees neither the request nor the credentials") {
    TlsWorld world;
    world.server.be_a_proxy_first();
    world.settings.origin = "https://localhost:443";
    world.settings.proxy = "http://user:geheim@127.0.0.1:" + std::to_string(world.server.port());
    world.settings.credentials_file = world.directory.write("token", "gateway-token");
    const ClientResult result = world.call();
    CAPTURE(result.error);
    CHECK(result.status == 200);
    CHECK(result.headers.count("via") == 0);  // of the proxy's own answer
    const std::string connect = world.server.proxy_request();
    CHECK(connect.starts_with("CONNECT localhost:443 HTTP/1.1\r\n"));
    CHECK_THAT(connect, ContainsSubstring("Proxy-Authorization: Basic") &&
                            !ContainsSubstring("gateway-token"));
    CHECK_THAT(world.server.last_request(),
               ContainsSubstring("Bearer gateway-token") && !ContainsSubstring("Proxy-"));
}

TEST_CASE("TLS: a server that speaks plain HTTP, or nothing, is no answer") {
    FakeServer server([](tcp::socket& socket, int) {
        read_request(socket);
        write(socket, kOk);
    });
    const std::string origin = "https://localhost:" + std::to_string(server.port());
    CHECK_FALSE(TestClient(TestClient::to(origin)).call("POST", "/", "{}").is_response());
}

TEST_CASE("TLS: a handshake that does not go on ends with the request's time") {
    asio::io_context io;
    tcp::acceptor silent(io, {asio::ip::address_v4::loopback(), 0});
    const auto port = silent.local_endpoint().port();
    TestClient client(TestClient::to("https://127.0.0.1:" + std::to_string(port)));
    CHECK_THAT(client.call("POST", "/", "{}", 200ms).error, ContainsSubstring("timed out"));
}
