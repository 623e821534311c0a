// A service's schema: brought in once, by however many instances, and never taken for another.

#include <fstream>
#include <future>
#include <optional>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "component/subjects.hpp"
#include "postgres/migration.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/process.hpp"
#include "support/stack.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using events::Service;
using postgres::migrate;
using postgres::OtherSchema;
using postgres::schema_version;

// What migrate() says; empty: it accepts the schema.
std::string refusal(const std::string& url, std::string_view schema, std::string_view sql) {
    postgres::Connection connection(url);
    try {
        migrate(connection, schema, sql);
        return "";
    } catch (const OtherSchema& other) {
        return other.what();
    }
}

}  // namespace

TEST_CASE("schema: a database that a program made is taken by the same one again, as it is") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.schema_sql);
    database.query("UPDATE relay_checkpoint SET seq = 7");
    CHECK(refusal(database.url(), "orders", order.schema_sql) == "");
    CHECK(refusal(database.url(), "orders",
                  "-- the same, told otherwise\n" + std::string(order.schema_sql)) == "");
    CHECK(database.number("SELECT seq FROM relay_checkpoint") == 7);
}

TEST_CASE("schema: another version's database is refused and left as it is") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.schema_sql);
    const std::string newer = std::string(order.schema_sql) + "\nCREATE TABLE added (n int);";

    const std::string what = refusal(database.url(), "orders", newer);

    CHECK_THAT(what, ContainsSubstring("schema orders") &&
                         ContainsSubstring("found version " + schema_version(order.schema_sql)) &&
                         ContainsSubstring("expected version " + schema_version(newer)));
    CHECK(database.number("SELECT count(*) FROM pg_tables WHERE tablename = 'added'") == 0);
    CHECK(refusal(database.url(), "orders", order.schema_sql) == "");
}

TEST_CASE("schema: a database from before there were versions is refused") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.schema_sql);
    database.query("DROP TABLE schema_version");
    CHECK_THAT(refusal(database.url(), "orders", order.schema_sql),
               ContainsSubstring("found no version"));
}

TEST_CASE("schema: of two instances that start at once one brings it in, the other takes it") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.schema_sql);
    // Both have begun before either may go on.
    postgres::Connection gate(database.url());
    std::optional<postgres::Transaction> closed(std::in_place, gate);
    gate.script("SELECT pg_advisory_xact_lock(hashtext('orderflow.migrate'))");
    const auto start = [&] {
        return std::async(std::launch::async, [&] {
            return refusal(database.url(), "twins", "CREATE TABLE one (n int);");
        });
    };
    auto first = start();
    auto second = start();
    CHECK(eventually(10s, [&] {
        return database.number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT"
                               " granted AND database = (SELECT oid FROM pg_database"
                               " WHERE datname = current_database())") == 2;
    }));
    closed.reset();
    CHECK(first.get() == "");
    CHECK(second.get() == "");
    CHECK(database.number("SELECT count(*) FROM twins.schema_version") == 1);
}

TEST_CASE("schema: a service that finds another version's says so once, and ends") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.schema_sql);
    const std::vector<std::string> arguments{
        "--database-url", database.url(), "--brokers", stack_setting("KAFKA_BROKERS"),
        "--group-id", fresh_group(Service::order).group_id};
    {
        ServiceProcess process("order-service", arguments);
        CHECK(process.stop() == 0);
    }
    database.query("UPDATE schema_version SET version = '" + database.name() + "'");

    CHECK_THROWS_WITH(ServiceProcess("order-service", arguments),
                      ContainsSubstring("exit code 1"));

    std::ifstream log(stack_setting("STACK_STATE") + "/log/test-order-service.log");
    int lines = 0;
    for (std::string line; std::getline(log, line);) {
        if (line.find("found version " + database.name()) == std::string::npos) continue;
        ++lines;
        CHECK_THAT(line, ContainsSubstring("critical") &&
                             ContainsSubstring("expected version " +
                                               schema_version(order.schema_sql)));
    }
    CHECK(lines == 1);
}

}  // namespace orderflow::test
