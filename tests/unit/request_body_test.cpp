// A client's request body: all that is wrong with it is told at once, and how the answer looks.

#include <catch2/catch_test_macros.hpp>

#include "json/json.hpp"
#include "order/saga/saga_api.hpp"
#include "service/problems.hpp"

namespace orderflow {
namespace {

// "code pointer", one a line.
std::string faults_of(std::string_view body) {
    const auto order = order::parse_order(body);
    if (order) return "none";
    std::string text;
    for (const Error& fault : order.error()) text += fault.code + " " + fault.pointer + "\n";
    return text;
}

std::string line(std::string_view members) {
    return R"({"customerId":"C","items":[{)" + std::string(members) + "}]}";
}

const std::string kGoodLine = R"("productId":"P","name":"N","price":1,"quantity":1)";

}  // namespace

TEST_CASE("request body: one without fault is read") {
    CHECK(faults_of(line(kGoodLine)) == "none");
}

TEST_CASE("request body: all faults are told, in their order, what is missing last") {
    CHECK(faults_of(R"({"customerId":"","discount":{"a":[1]},"items":[
            {"productId":7,"name":{"x":[]},"price":-1,"quantity":0},
            {"productId":"P","price":1.5,"quantity":1,"quantity":2},
            []],
          "currency":"won","payment":{"method":"cash"},"warehouseStorage":"yes"})") ==
          "validation /customerId\n"
          "unknown-field \n"
          "validation /items/0/productId\n"
          "validation /items/0/name\n"
          "validation /items/0/price\n"
          "validation /items/0/quantity\n"
          "json-number /items/1/price\n"
          "json-duplicate-key /items/1/quantity\n"
          "validation /items/1/name\n"
          "validation /items/2\n"
          "validation /currency\n"
          "validation /payment/method\n"
          "validation /payment/token\n"
          "validation /warehouseStorage\n");
    CHECK(faults_of("{}") == "validation /customerId\nvalidation /items\n");
    CHECK(faults_of(R"({"items":[],"customerId":null})") ==
          "validation /items\nvalidation /customerId\n");
    CHECK(faults_of(line(kGoodLine + R"(,"name":"a","name":"b","x":1,"y":[{"z":{}}])")) ==
          "json-duplicate-key /items/0/name\njson-duplicate-key /items/0/name\n"
          "unknown-field /items/0\nunknown-field /items/0\n");
}

TEST_CASE("request body: a fault inside a value does not hide one of the value") {
    std::string items = "{" + kGoodLine + "}";
    for (int i = 0; i < 100; ++i) items += ",{" + kGoodLine + "}";
    items += ",7";
    CHECK(faults_of(R"({"customerId":"C","items":[)" + items + "]}") ==
          "validation /items/101\nvalidation /items\n");
}

TEST_CASE("request body: no more than twenty faults are told") {
    std::string many = "0";
    for (int i = 1; i < 100; ++i) many += ",0";
    const auto order = order::parse_order(R"({"items":[)" + many + "]}");
    REQUIRE(order.has_error());
    CHECK(order.error().size() == 20);
    CHECK(order.error().front().pointer == "/items/0");
    CHECK(order.error().back().pointer == "/items/19");
}

TEST_CASE("request body: what is no JSON, or too large a one, has that one fault") {
    CHECK(faults_of("") == "body-required \n");
    CHECK(faults_of("[]") == "validation \n");
    CHECK(faults_of("\n") == "json-syntax \n");
    CHECK(faults_of(R"({"customerId":1,"items":2)") == "json-syntax \n");
    CHECK(faults_of(R"({"customerId":1,"items":1e9999999999})") == "json-number \n");
    CHECK(faults_of(R"({"customerId":1,"items":)" + std::string(17, '[') + std::string(17, ']') +
                    "}") == "json-limits \n");
}

TEST_CASE("request body: an event ends at its first fault") {
    const auto read = json::read_json<events::OrderLine>(R"({"price":-1,"quantity":0})",
                                                         json::UnknownMembers::ignore);
    REQUIRE(read.has_error());
    CHECK(read.error().pointer == "/price");
}

TEST_CASE("request body: a choice is named with what there is to choose from") {
    const auto order = order::parse_order(
        R"({"customerId":"C","items":[],"payment":{"method":"cash","token":"t"}})");
    REQUIRE(order.has_error());
    CHECK(order.error().back().detail == "must be one of: card");
}

TEST_CASE("request body: one fault is the answer, several are listed, unreadable is the worst") {
    const Error rule{"validation", "is required", "/a"};
    const Error unknown{"unknown-field", "no such member: x", ""};
    const auto one = service::bad_input(rule);
    CHECK(one.status == 422);
    CHECK(one.body == R"({"type":"/problems/validation","title":"The request breaks a rule",)"
                      R"("status":422,"detail":"/a: is required","errors":[{"pointer":"/a",)"
                      R"("code":"validation","detail":"is required"}]})");
    CHECK(service::bad_input(unknown).body ==
          R"({"type":"/problems/unknown-field","title":"The request cannot be read",)"
          R"("status":400,"detail":"no such member: x"})");
    const auto rules = service::bad_input(Faults{rule, rule});
    CHECK(rules.status == 422);
    CHECK(rules.body.find("/a: is required; errors lists all 2 faults") != std::string::npos);
    const auto both = service::bad_input(Faults{rule, unknown, rule});
    CHECK(both.status == 400);
    CHECK(both.body.find(R"("type":"/problems/unknown-field")") != std::string::npos);
    CHECK(both.body.find(R"({"pointer":"","code":"unknown-field")") != std::string::npos);
    CHECK(both.body.find(R"("detail":"no such member: x; errors lists all 3)") !=
          std::string::npos);
}

}  // namespace orderflow
