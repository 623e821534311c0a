// Entity tags in If-Match and If-None-Match: read as RFC 9110 writes them, or refused.

#include <catch2/catch_test_macros.hpp>

#include "http/conditions.hpp"

namespace {

using namespace orderflow::http;

Request with(std::initializer_list<const char*> values) {
    Request request;
    request.headers.add("If-None-Match", "\"other\"");
    for (const char* value : values) request.headers.add("if-match", value);
    return request;
}

std::optional<EntityTags> read(std::initializer_list<const char*> values) {
    return entity_tags(with(values), "If-Match").value();
}

}  // namespace

TEST_CASE("tags are read one by one, in lists, and out of repeated fields") {
    CHECK_FALSE(read({}));
    CHECK(read({"*"}) == EntityTags{true, {}});
    CHECK(read({"\"a\""}) == EntityTags{false, {{"a", false}}});
    CHECK(read({"W/\"a\""}) == EntityTags{false, {{"a", true}}});
    CHECK(read({"\"\""}) == EntityTags{false, {{"", false}}});
}

TEST_CASE("a tag holds commas, and every character but quotes, blanks and controls") {
    CHECK(read({"\"a,b\", \"c\""}) == EntityTags{false, {{"a,b", false}, {"c", false}}});
    CHECK(read({" , \"a\" ,,\"b\"\t,"}) == EntityTags{false, {{"a", false}, {"b", false}}});
    CHECK(read({"\"a\"", "W/\"b\""}) == EntityTags{false, {{"a", false}, {"b", true}}});
    CHECK(read({"\"\xea\xb0\x80*\\\""}) == EntityTags{false, {{"\xea\xb0\x80*\\", false}}});
}

TEST_CASE("what is no tag is refused, not ignored") {
    for (const char* bad :
         {"", " ", ",", "a", "\"a", "a\"", "'a'", "w/\"a\"", "W/ \"a\"", "W/*", "\"a\" \"b\"",
          "\"a\"b", "*, \"a\"", "\"a\", *", "**", "\"a b\"", "\"a\tb\"", "\"a\x7f\""}) {
        CAPTURE(bad);
        const auto tags = entity_tags(with({bad}), "If-Match");
        CHECK((tags.has_error() && tags.error().code == "precondition"));
    }
    CHECK(entity_tags(with({"*", "\"a\""}), "If-Match").has_error());
}
