// Requests, problems and the route table: values, no sockets.

#include <catch2/catch_test_macros.hpp>

#include "http/problem.hpp"
#include "http/router.hpp"

namespace {

using namespace orderflow::http;

boost::asio::awaitable<Response> echo(Request) { co_return Response(); }

}  // namespace

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
