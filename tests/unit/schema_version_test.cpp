// What counts as another schema.

#include <set>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "postgres/migration.hpp"

namespace orderflow::test {

using postgres::schema_version;

TEST_CASE("schema version: comments and white space make no other version") {
    const std::string version = schema_version("CREATE TABLE a (b int);\nCREATE TABLE c (d int);");
    CHECK(version.size() == 16);
    CHECK(version.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(version == schema_version("CREATE TABLE a (b int);  -- why\n"
                                    "\t-- and how\n"
                                    "CREATE TABLE c\r\n    (d int);"));
}

TEST_CASE("schema version: every other text is another one") {
    const std::set<std::string> versions{
        schema_version("CREATE TABLE a (b int);"), schema_version("CREATE TABLE a (b bigint);"),
        schema_version("CREATE TABLE a (bint);"),  schema_version("CREATE TABLE a (b int)"),
        schema_version("CREATE TABLE a (c int);"), schema_version("CREATE TABLE a - - (b int);"),
        schema_version("")};
    CHECK(versions.size() == 7);
}

}  // namespace orderflow::test
