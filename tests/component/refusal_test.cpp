// With which code a server refuses a connection, which decides whether a service that starts waits.

#include <chrono>
#include <string>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "postgres/refusal.hpp"
#include "support/stack.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using postgres::refusal;

// Takes connections, as the system does for it, and never says a word.
struct SilentServer {
    SilentServer() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* any = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(socket, any, size) == 0);
        REQUIRE(::listen(socket, 16) == 0);
        REQUIRE(::getsockname(socket, any, &size) == 0);
        url = "host=127.0.0.1 port=" + std::to_string(ntohs(address.sin_port)) + " dbname=x user=x";
    }
    ~SilentServer() { ::close(socket); }

    int socket;
    std::string url;
};

}  // namespace

TEST_CASE("refusal: a wrong password and a database that is not there have their codes") {
    const std::string url = stack_setting("ADMIN_DATABASE_URL");
    CHECK(refusal(url, {}) == "");
    CHECK(refusal(url + " password=wrong", {}) == "28P01");
    CHECK(refusal(url + " dbname=nowhere", {}) == "3D000");
    CHECK(refusal(url + " options='-c lc_messages=C' dbname=nowhere", {}) == "3D000");
}

TEST_CASE("refusal: a server that is not there, or does not answer, has refused nobody") {
    CHECK(refusal("host=127.0.0.1 port=1 dbname=x user=x", {}) == "");
    const SilentServer silent;
    CHECK(refusal(silent.url, {}, 200ms) == "");
}

TEST_CASE("refusal: a stop ends the wait for a server that does not answer") {
    const SilentServer silent;
    const auto begun = std::chrono::steady_clock::now();
    {
        std::jthread asking([&](std::stop_token stop) { refusal(silent.url, stop, 60s); });
        asking.request_stop();
    }
    CHECK(std::chrono::steady_clock::now() - begun < 10s);
}

}  // namespace orderflow::test
