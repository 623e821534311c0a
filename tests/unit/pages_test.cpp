// The pages as a browser gets them: which path leads to which file, with which headers; and that no
// page needs what the policy forbids.
#include <regex>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include "analytics/pages/pages_api.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::analytics;

struct Sent {
    std::string query;
    std::string accept = "text/html,application/xhtml+xml,*/*;q=0.8";
    std::string if_none_match;
};

http::Response get(const std::string& path, const Sent& sent = {}) {
    http::Router router;
    add_page_routes(router);
    auto match = router.match("GET", path);
    http::Request request;
    request.method = "GET";
    request.path = path;
    request.query = sent.query;
    request.params = std::move(match.params);
    request.headers.add("Accept", sent.accept);
    if (!sent.if_none_match.empty()) request.headers.add("If-None-Match", sent.if_none_match);
    if (match.route == nullptr) return router.not_found()(request);
    boost::asio::io_context io;
    http::Response response;
    boost::asio::co_spawn(io, match.route->handler(std::move(request)),
                          [&](std::exception_ptr, http::Response got) { response = got; });
    io.run();
    return response;
}

std::string header(const http::Response& response, std::string_view name) {
    for (const auto& [field, value] : response.headers) {
        if (field == name) return value;
    }
    return {};
}

constexpr char kOrder[] = "/orders/019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10";

TEST_CASE("pages: each path has its file and its type") {
    struct Row {
        std::string path;
        std::string type;
        std::string holds;
    };
    for (const Row& row : {Row{"/", "text/html; charset=utf-8", "<title>Dashboard"},
                           Row{kOrder, "text/html; charset=utf-8", "<title>Order"},
                           Row{"/customers", "text/html; charset=utf-8", "<title>Customer"},
                           Row{"/kafka", "text/html; charset=utf-8", "<title>Kafka"},
                           Row{"/pages/style.css", "text/css; charset=utf-8", "color-scheme"},
                           Row{"/pages/live.js", "text/javascript; charset=utf-8", "WebSocket"},
                           Row{"/pages/mark.svg", "image/svg+xml", "<svg"}}) {
        CAPTURE(row.path);
        const auto response = get(row.path);
        CHECK(response.status == 200);
        CHECK(response.content_type == row.type);
        CHECK(response.body.find(row.holds) != std::string::npos);
        CHECK(header(response, "Content-Security-Policy").starts_with("default-src 'self';"));
        CHECK(header(response, "X-Content-Type-Options") == "nosniff");
        CHECK(header(response, "Cache-Control") == "no-cache");
    }
}

TEST_CASE("pages: a browser that has the file is told so, with an empty answer") {
    const std::string etag = header(get("/"), "ETag");
    CHECK(etag.size() > 10);
    for (const std::string& known : {etag, "W/" + etag, "\"other\", " + etag, std::string("*")}) {
        Sent sent;
        sent.if_none_match = known;
        const auto response = get("/", sent);
        CHECK(response.status == 304);
        CHECK(response.body.empty());
        CHECK(header(response, "ETag") == etag);
    }
    Sent stale;
    stale.if_none_match = "\"0123456789abcdef\"";
    CHECK(get("/", stale).status == 200);
    CHECK(header(get("/pages/style.css"), "ETag") != etag);
}

TEST_CASE("pages: what does not exist is a page for people and a problem for programs") {
    for (const char* path :
         {"/nothing", "/orders/42", "/orders/%3Cscript%3E", "/pages/nothing.js", "/orders/42/x",
          "/pages/order.html", "/orders/", "/orders/%ff", "/a/b//c/d"}) {
        CAPTURE(path);
        const auto page = get(path);
        CHECK(page.status == 404);
        CHECK(page.content_type == "text/html; charset=utf-8");
        CHECK(page.body.find("There is nothing at this address") != std::string::npos);
    }
    Sent program;
    program.accept = "application/json";
    CHECK(get("/nothing", program).content_type == "application/problem+json");
    CHECK(get("/api/nothing").content_type == "application/problem+json");
    CHECK(get("/api/nothing").status == 404);
}

TEST_CASE("pages: the search leads to the order or to the customer") {
    struct Row {
        std::string query;
        std::string place;
    };
    for (const Row& row :
         {Row{"q=019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10", kOrder},
          Row{"q=+019B7CA9-8D03-7C3E-9A51-3F6D2B8E4C10%0A", kOrder},
          Row{"q=%22019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10%22", kOrder},
          Row{"q=+%E2%80%9C+019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10+%E2%80%9D+", kOrder},
          Row{"q=CUST-001", "/customers?id=CUST-001"},
          Row{"q='CUST-001'", "/customers?id=CUST-001"}, Row{"q=O'", "/customers?id=O%27"},
          Row{"q=%22", "/customers?id=%22"}, Row{"q=%22+%22", "/"},
          Row{"q=a+%26%3Cb%2F..%0D%0Ac", "/customers?id=a%20%26%3Cb%2F..%0D%0Ac"},
          Row{"q=%EA%B9%80", "/customers?id=%EA%B9%80"}, Row{"q=++", "/"}, Row{"", "/"}}) {
        CAPTURE(row.query);
        Sent sent;
        sent.query = row.query;
        const auto response = get("/search", sent);
        CHECK(response.status == 303);
        CHECK(header(response, "Location") == row.place);
    }
}

// The policy would forbid it, in the browser only; and a script that made markup of text would be
// the first step to running somebody else's.
TEST_CASE("pages: nothing is inline, nothing comes from elsewhere, no text becomes markup") {
    const std::regex inline_code(R"(<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=)");
    const std::regex elsewhere(
        R"((src|href|action)="(https?:)?//|@import|url\(|from "(?!\./)|\bimport\()");
    const std::regex markup(R"(innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\()");
    CHECK(page_files().size() > 8);
    for (const PageFile& file : page_files()) {
        CAPTURE(file.name);
        const std::string text(file.text);
        if (file.name.ends_with(".html")) CHECK_FALSE(std::regex_search(text, inline_code));
        CHECK_FALSE(std::regex_search(text, elsewhere));
        CHECK_FALSE(std::regex_search(text, markup));
        const std::regex own(R"re((?:/pages/|from "\./)([a-z-]+\.[a-z]+))re");
        for (std::sregex_iterator it(text.begin(), text.end(), own), end; it != end; ++it) {
            CAPTURE((*it)[1].str());
            CHECK(get("/pages/" + (*it)[1].str()).status == 200);
        }
    }
}

}  // namespace
