// http::Client while a name is looked up: the io thread goes on. The lookup itself is replaced, for
// the whole program: libcurl calls the getaddrinfo() below, which passes all other names on.

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOOKUPS_ARE_TAKEN  // the sanitizer has replaced it already
#endif
#endif

#ifndef LOOKUPS_ARE_TAKEN

#include <dlfcn.h>
#include <netdb.h>

#include <string_view>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "unit/http_client_lab.hpp"

namespace {

std::atomic<bool> let_go = false;
std::atomic<int> hanging = 0;
std::atomic<int> moving_lookups = 0;

}  // namespace

// hangs.test: no answer until the test lets go. moves.test: 127.0.0.1, counted.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** found) {
    static const auto real =
        reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    const std::string_view asked = name ? name : "";
    if (asked == "hangs.test") {
        ++hanging;
        while (!let_go) ::usleep(1'000);
        --hanging;
        return EAI_AGAIN;
    }
    if (asked == "moves.test") {
        ++moving_lookups;
        return real("127.0.0.1", service, hints, found);
    }
    return real(name, service, hints, found);
}

using namespace orderflow::http;
using namespace orderflow::http::test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a name that is not answered holds up neither the io thread, nor its own time") {
    let_go = false;
    {
        TestClient client(TestClient::to("http://hangs.test"));
        auto one = client.start("POST", "/", "{}", 200ms);
        auto two = client.start("POST", "/", "{}", 10s);
        eventually([&] { return hanging >= 1; });
        for (int i = 0; i < 10; ++i) {  // the io thread answers
            std::promise<void> turn;
            asio::post(client.io, [&] { turn.set_value(); });
            REQUIRE(turn.get_future().wait_for(1s) == std::future_status::ready);
        }
        REQUIRE(one.wait_for(2s) == std::future_status::ready);
        CHECK_THAT(one.get().error, ContainsSubstring("Resolving timed out"));
        asio::post(client.io, [&] { client.client.reset(); });
        REQUIRE(two.wait_for(2s) == std::future_status::ready);
        CHECK(two.get().error == "client closed");
    }
    CHECK(hanging >= 1);  // still: nobody has waited for it
    let_go = true;
    eventually([] { return hanging == 0; });
}

TEST_CASE("a name is looked up once for many requests, and again after its time") {
    FakeServer server([](tcp::socket& socket, int) {
        read_request(socket);
        write(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
    });
    ClientLimits limits;
    limits.resolve_again_after = 1s;
    const std::string origin = "http://moves.test:" + std::to_string(server.port());
    TestClient client(TestClient::to(origin), limits);
    moving_lookups = 0;
    for (int i = 0; i < 5; ++i) REQUIRE(client.call("POST", "/", "{}").status == 200);
    CHECK(moving_lookups == 1);
    eventually([&] {
        REQUIRE(client.call("POST", "/", "{}").status == 200);
        return moving_lookups == 2;
    });
}

#endif
