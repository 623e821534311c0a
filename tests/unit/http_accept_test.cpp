// Accept fields: whether a client takes JSON.

#include <catch2/catch_test_macros.hpp>

#include "http/wire.hpp"

namespace orderflow::http {
namespace {

bool takes_json(std::initializer_list<std::string_view> fields) {
    Headers headers;
    headers.add("Host", "x");
    for (const std::string_view field : fields) headers.add("accept", field);
    return accepts(headers, "application/json");
}

}  // namespace

TEST_CASE("accept: without a range anything is welcome") {
    CHECK(takes_json({}));
    CHECK(takes_json({""}));
    CHECK(takes_json({" \t"}));
    CHECK(takes_json({","}));
    CHECK(takes_json({" , ,\t,"}));
    CHECK(takes_json({"", ","}));
}

TEST_CASE("accept: empty fields and elements beside a range change nothing") {
    CHECK(takes_json({"", "application/json"}));
    CHECK(takes_json({",application/json,"}));
    CHECK_FALSE(takes_json({"", "text/html"}));
    CHECK_FALSE(takes_json({",text/html,", ""}));
}

TEST_CASE("accept: a range that holds JSON, among others or in a second field, is enough") {
    CHECK(takes_json({"application/json"}));
    CHECK(takes_json({"Application/JSON;q=0.1"}));
    CHECK(takes_json({"application/*"}));
    CHECK(takes_json({"*/*"}));
    CHECK(takes_json({"text/html, application/xhtml+xml;q=0.9, */*;q=0.8"}));
    CHECK(takes_json({"text/html", "application/json"}));
    CHECK(takes_json({"text/html,,application/json ; charset=utf-8"}));
}

TEST_CASE("accept: other types alone exclude JSON") {
    CHECK_FALSE(takes_json({"text/html"}));
    CHECK_FALSE(takes_json({"application/xml, text/*"}));
    CHECK_FALSE(takes_json({"application/jsonx"}));
    CHECK_FALSE(takes_json({"application/problem+json"}));
    CHECK_FALSE(takes_json({"*"}));
    CHECK_FALSE(takes_json({R"(text/html;x="a\", application/json,b")"}));
}

TEST_CASE("accept: the most specific range decides, by its weight") {
    CHECK_FALSE(takes_json({"application/json;q=0"}));
    CHECK_FALSE(takes_json({"*/*, application/json;q=0.000"}));
    CHECK_FALSE(takes_json({"application/json ; Q=0, application/*;q=1"}));
    CHECK_FALSE(takes_json({"*/*;q=0"}));
    CHECK_FALSE(takes_json({"application/*;q=0., */*"}));
    CHECK(takes_json({"*/*;q=0, application/json;q=0.001"}));
    CHECK(takes_json({"application/json;q=, text/html"}));
}

TEST_CASE("accept: a range with parameters can take JSON, but refuses only JSON with them") {
    CHECK(takes_json({"application/json;charset=utf-8;q=0.5"}));
    CHECK(takes_json({"application/json;v=1;q=0, application/*"}));
    CHECK(takes_json({"application/json;v=1;q=0, application/json"}));
    CHECK(takes_json({"application/json;q=0;v=1, application/json"}));  // v: of q, as once was
    CHECK_FALSE(takes_json({"application/json;v=1;q=0"}));
    CHECK_FALSE(takes_json({R"(application/json;v="1;q=1";q=0, text/html)"}));
}

}  // namespace orderflow::http
