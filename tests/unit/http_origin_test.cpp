// Origins: from which pages a browser may change something.

#include <catch2/catch_test_macros.hpp>

#include "http/origin.hpp"

namespace orderflow::http {
namespace {

bool foreign(std::string_view host, std::string_view origin, std::string_view fetch_site = "",
             const std::vector<std::string>& allowed = {}) {
    Headers headers;
    headers.add("host", host);
    headers.add("origin", origin);
    if (!fetch_site.empty()) headers.add("sec-fetch-site", fetch_site);
    return is_foreign(headers, allowed);
}

bool foreign_without_origin(std::initializer_list<std::string_view> fetch_sites) {
    Headers headers;
    headers.add("Host", "shop.example");
    for (const std::string_view site : fetch_sites) headers.add("Sec-Fetch-Site", site);
    return is_foreign(headers, {"https://shop.example"});
}

}  // namespace

TEST_CASE("origin: a client that is no browser is not held up") {
    CHECK_FALSE(foreign_without_origin({}));
    CHECK_FALSE(is_foreign({}, {}));
}

TEST_CASE("origin: without an Origin a browser's own word counts") {
    CHECK_FALSE(foreign_without_origin({"same-origin"}));
    CHECK_FALSE(foreign_without_origin({"none"}));
    CHECK(foreign_without_origin({"cross-site"}));
    CHECK(foreign_without_origin({"Cross-Site"}));
    CHECK(foreign_without_origin({"same-site"}));
    CHECK(foreign_without_origin({"else"}));
    CHECK(foreign_without_origin({""}));
    CHECK(foreign_without_origin({"none", "cross-site"}));
    CHECK(foreign_without_origin({"cross-site", "none"}));
}

TEST_CASE("origin: host and port of Origin and Host are the same") {
    CHECK_FALSE(foreign("127.0.0.1:3000", "http://127.0.0.1:3000"));
    CHECK_FALSE(foreign("Shop.Example", "http://shop.example"));
    CHECK_FALSE(foreign("shop.example", "HTTP://SHOP.EXAMPLE:80"));
    CHECK_FALSE(foreign("shop.example:80", "http://shop.example"));
    CHECK_FALSE(foreign("shop.example", "https://shop.example"));
    CHECK_FALSE(foreign("shop.example", "https://shop.example:443"));
    CHECK_FALSE(foreign("shop.example:443", "https://shop.example"));
    CHECK_FALSE(foreign("[::1]:3000", "http://[::1]:3000"));
    CHECK_FALSE(foreign("[::1]", "http://[::1]:80"));
    CHECK_FALSE(foreign("[2001:DB8::1]", "https://[2001:db8::1]"));
    CHECK_FALSE(foreign("a:3000", "http://a:3000", "same-origin"));
    CHECK_FALSE(foreign("a:3000", "http://a:3000", "same-site"));
    CHECK_FALSE(foreign("a:3000", "http://a:3000", "none"));
}

TEST_CASE("origin: whatever is not exactly the same is foreign") {
    for (const char* origin : {"http://127.0.0.1",
                               "http://127.0.0.1:80",
                               "http://127.0.0.1:3001",
                               "http://localhost:3000",
                               "http://127.0.0.1:30000",
                               "http://x127.0.0.1:3000",
                               "http://127.0.0.1.evil.example:3000",
                               "http://evil.example/127.0.0.1:3000",
                               "http://127.0.0.1:3000.evil.example",
                               "http://127.0.0.1:3000@evil.example",
                               "http://evil.example@127.0.0.1:3000",
                               "http://evil.example#127.0.0.1:3000",
                               "http://127.0.0.1:3000/",
                               "http://127.0.0.1:3000 ",
                               "http://127.0.0.1:",
                               "http://:3000",
                               "http://127.0.0.1:+3000",
                               "http://127.0.0.1:68536",
                               "http://127.0.0.1:0",
                               "http://127.0.0.1:3000 http://127.0.0.1:3000",
                               "http://127.0.0.1:3000,http://a",
                               "127.0.0.1:3000",
                               "//127.0.0.1:3000",
                               "ws://127.0.0.1:3000",
                               "ftp://127.0.0.1:3000",
                               "file://",
                               "null",
                               "",
                               "*"}) {
        CAPTURE(origin);
        CHECK(foreign("127.0.0.1:3000", origin));
    }
    CHECK(foreign("shop.example", "http://shop.example:443"));
    CHECK(foreign("shop.example", "https://shop.example:80"));
    CHECK(foreign("shop.example.", "http://shop.example"));
    CHECK(foreign("[::1]:3000", "http://[::1]"));
    CHECK(foreign("[::1]", "http://[::2]"));
    CHECK(foreign("", "http://a"));
    CHECK(foreign("null", "null"));
    CHECK(foreign("a:b", "http://a:b"));
}

TEST_CASE("origin: what a browser calls cross-site is foreign whatever Host says") {
    CHECK(foreign("a:3000", "http://a:3000", "cross-site"));
}

TEST_CASE("origin: several are none") {
    Headers headers;
    headers.add("Host", "a");
    headers.add("Origin", "http://a");
    CHECK_FALSE(is_foreign(headers, {}));
    headers.add("Origin", "http://a");
    CHECK(is_foreign(headers, {"http://a"}));
}

TEST_CASE("origin: those that are allowed are, exactly, and the own one still is") {
    const std::vector<std::string> allowed{"https://shop.example", "http://localhost:8080"};
    CHECK_FALSE(foreign("api.example", "https://shop.example", "cross-site", allowed));
    CHECK_FALSE(foreign("api.example", "https://SHOP.example:443", "same-site", allowed));
    CHECK_FALSE(foreign("api.example", "http://localhost:8080", "cross-site", allowed));
    CHECK_FALSE(foreign("api.example", "http://api.example", "same-origin", allowed));
    for (const char* origin :
         {"http://shop.example", "https://shop.example:444", "https://www.shop.example",
          "https://shop.example.evil.example", "https://evilshop.example", "http://localhost",
          "https://localhost:8080", "null"}) {
        CAPTURE(origin);
        CHECK(foreign("api.example", origin, "", allowed));
    }
}

TEST_CASE("origin: what can be allowed has a scheme and a host and nothing behind") {
    CHECK(is_origin("https://shop.example"));
    CHECK(is_origin("http://127.0.0.1:3000"));
    CHECK(is_origin("http://[::1]:3000"));
    for (const char* text : {"", "*", "null", "shop.example", "https://", "https://*.example",
                             "https://shop.example/", "https://shop.example/path", "wss://a"}) {
        CAPTURE(text);
        CHECK_FALSE(is_origin(text));
    }
}

}  // namespace orderflow::http
