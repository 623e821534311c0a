// A service's schema: migrations are applied once and in order, by however many migrators, and a
// service works on a schema of its own age or a newer one.

#include <future>
#include <optional>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "component/subjects.hpp"
#include "postgres/migration.hpp"
#include "support/eventually.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using events::Service;
using postgres::MigrationFile;
using postgres::MigrationSeries;
using postgres::SchemaRefused;

// A small schema beside the service's, in versions that follow each other.
constexpr MigrationFile kFiles[] = {
    {"001_shelves.sql",
     "CREATE TABLE shelves (id int PRIMARY KEY, boards int);"
     "INSERT INTO shelves SELECT n, n FROM generate_series(1, 100) n;"},
    {"002_colour.sql", "ALTER TABLE shelves ADD COLUMN colour text;"},
    {"003_by_boards.sql",
     "-- migrate: no transaction\n"
     "DROP INDEX CONCURRENTLY IF EXISTS shelves_by_boards;\n"
     "CREATE INDEX CONCURRENTLY shelves_by_boards ON shelves (boards);\n"},
    {"004_no_boards.sql", "-- migrate: programs from 3\nALTER TABLE shelves DROP COLUMN boards;"},
};

struct Lab {
    TestDatabase database{Service::order, subject(Service::order).migrations};

    // What migrate() says; last of it, why it refused.
    std::vector<std::string> migrate(std::span<const MigrationFile> files) {
        const MigrationSeries series[] = {{"shop", files}};
        std::vector<std::string> lines;
        postgres::Connection connection(database.url());
        try {
            postgres::migrate(connection, "shop", series,
                              [&](const std::string& line) { lines.push_back(line); });
        } catch (const SchemaRefused& refused) {
            lines.push_back(refused.what());
        }
        return lines;
    }
    std::string migrate_refused(std::span<const MigrationFile> files) {
        const auto lines = migrate(files);
        return lines.empty() ? "" : lines.back();
    }
    // What a service of this version waits for, or why it ends.
    std::string missing(std::span<const MigrationFile> files) {
        const MigrationSeries series[] = {{"shop", files}};
        postgres::Connection connection({database.url(), "shop"});
        try {
            return postgres::missing_in(connection, "shop", series);
        } catch (const SchemaRefused& refused) {
            return std::string("refused: ") + refused.what();
        }
    }
    std::vector<std::string> applied() {
        return database.query(
            "SELECT series || '/' || name FROM shop.schema_migrations"
            " ORDER BY number");
    }
};

constexpr std::span<const MigrationFile> version(std::size_t files) {
    return std::span(kFiles).first(files);
}

}  // namespace

TEST_CASE("migrations: each is applied once, in order, and what a service needs is there then") {
    Lab lab;
    CHECK_THAT(lab.missing(version(2)), ContainsSubstring("schema shop was not migrated yet"));

    CHECK(lab.migrate(version(1)).size() == 1);
    CHECK(lab.missing(version(1)) == "");
    CHECK_THAT(lab.missing(version(3)), ContainsSubstring("shop/002_colour.sql, shop/003"));

    CHECK(lab.migrate(version(3)).size() == 2);
    CHECK(lab.migrate(version(3)).empty());
    CHECK(lab.missing(version(3)) == "");
    CHECK(lab.applied() == std::vector<std::string>{"shop/001_shelves.sql", "shop/002_colour.sql",
                                                    "shop/003_by_boards.sql"});
    CHECK(lab.database.number("SELECT count(*) FROM shop.shelves WHERE colour IS NULL") == 100);
    CHECK(lab.database.number("SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid ="
                              " 'shop.shelves_by_boards'::regclass") == 1);
}

TEST_CASE("migrations: a service works on a newer schema, until one shuts it out") {
    Lab lab;
    lab.migrate(version(3));
    CHECK(lab.missing(version(1)) == "");
    CHECK(lab.missing(version(2)) == "");

    lab.migrate(version(4));
    CHECK(lab.missing(version(4)) == "");
    CHECK(lab.missing(version(3)) == "");
    CHECK_THAT(lab.missing(version(2)), ContainsSubstring("refused: ") &&
                                            ContainsSubstring("004_no_boards.sql") &&
                                            ContainsSubstring("has it up to 2"));
}

TEST_CASE("migrations: a changed file, a gap and a newer schema are refused by name") {
    Lab lab;
    lab.migrate(version(2));
    SECTION("a changed file") {
        std::vector<MigrationFile> changed(std::begin(kFiles), std::end(kFiles));
        changed[0].sql = "CREATE TABLE shelves (id int PRIMARY KEY, boards bigint);";
        CHECK_THAT(lab.migrate_refused(changed),
                   ContainsSubstring("shop/001_shelves.sql was applied with a different text"));
        CHECK_THAT(lab.missing(changed), ContainsSubstring("refused: "));
        CHECK(lab.applied().size() == 2);
    }
    SECTION("a gap") {
        lab.database.query("DELETE FROM shop.schema_migrations WHERE number = 1");
        CHECK_THAT(lab.migrate_refused(version(4)),
                   ContainsSubstring("shop/002_colour.sql was applied, but number 1"));
        CHECK_THAT(lab.missing(version(4)), ContainsSubstring("refused: "));
    }
    SECTION("a newer schema") {
        CHECK_THAT(lab.migrate_refused(version(1)),
                   ContainsSubstring("newer than this program: shop/002_colour.sql"));
    }
    SECTION("a schema that something else made") {
        lab.database.query("DROP TABLE shop.schema_migrations CASCADE");
        CHECK_THAT(lab.migrate_refused(version(2)), ContainsSubstring("contains objects"));
    }
}

TEST_CASE("migrations: one that fails leaves nothing of itself, and what came before it") {
    Lab lab;
    const MigrationFile files[] = {kFiles[0],
                                   {"002_wrong.sql", "CREATE TABLE half (n int); SELECT 1 / 0;"}};
    CHECK_THROWS_AS(lab.migrate(files), postgres::DatabaseError);
    CHECK(lab.applied() == std::vector<std::string>{"shop/001_shelves.sql"});
    CHECK(lab.database.query("SELECT to_regclass('shop.half')").at(0) == "");

    const MigrationFile mended[] = {kFiles[0], kFiles[1]};
    CHECK(lab.migrate(mended).size() == 1);
}

TEST_CASE("migrations: many migrators at a time apply each once, also an index without a lock") {
    Lab lab;
    // All have begun before any may go on; none of them waits inside a statement, for which CREATE
    // INDEX CONCURRENTLY would wait in its turn.
    postgres::Connection gate(lab.database.url());
    gate.script("SELECT pg_advisory_lock(hashtext('orderflow.migrate'))");
    std::vector<std::future<std::vector<std::string>>> migrators;
    for (int i = 0; i < 4; ++i) {
        migrators.push_back(
            std::async(std::launch::async, [&] { return lab.migrate(version(3)); }));
    }
    std::this_thread::sleep_for(300ms);
    gate.reset();
    std::size_t applied = 0;
    for (auto& migrator : migrators) {
        const auto lines = migrator.get();
        CHECK_THAT(lines.at(0), ContainsSubstring("another process migrates it"));
        applied += lines.size() - 1;
    }
    CHECK(applied == 3);
    CHECK(lab.applied().size() == 3);
}

TEST_CASE("migrations: one that waits for a table lets others use it, and is tried again") {
    Lab lab;
    lab.migrate(version(1));
    postgres::Connection reader({lab.database.url(), "shop"});
    std::optional<postgres::Transaction> reading(std::in_place, reader);
    reader.script("SET LOCAL idle_in_transaction_session_timeout = 0; SELECT 1 FROM shelves");
    auto migrator = std::async(std::launch::async, [&] { return lab.migrate(version(2)); });
    const auto queueing = [&] {
        return lab.database.number(
                   "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode ="
                   " 'AccessExclusiveLock' AND relation ="
                   " 'shop.shelves'::regclass") == 1;
    };
    REQUIRE(eventually(5s, queueing));
    // Whoever comes now queues behind the migration; it gives way in time.
    postgres::Connection other({lab.database.url(), "shop"});
    other.script("SET statement_timeout = '4s'; UPDATE shelves SET boards = 7 WHERE id = 7");
    reading.reset();
    const auto lines = migrator.get();
    CHECK(lines.size() >= 2);
    CHECK_THAT(lines.front(), ContainsSubstring("did not get its locks"));
    CHECK_THAT(lines.back(), ContainsSubstring("002_colour.sql applied"));
}

TEST_CASE("migrations: a database from before them is taken over as it is") {
    const Subject& order = subject(Service::order);
    std::vector<MigrationSeries> first(order.migrations.begin(), order.migrations.end());
    for (MigrationSeries& series : first) series.files = series.files.first(1);
    TestDatabase database(order.service, first);
    const std::string version = "651e9574c541d512";
    database.query(
        "DROP VIEW audit_v1_migrations; DROP TABLE schema_migrations;"
        "CREATE TABLE schema_version (one boolean PRIMARY KEY DEFAULT true,"
        " version text NOT NULL); INSERT INTO schema_version (version) VALUES ('" +
        version + "'); UPDATE relay_checkpoint SET seq = 7");
    const auto migrate = [&] {
        postgres::Connection connection(database.url());
        std::string said;
        postgres::migrate(connection, "orders", order.migrations, [&](const std::string& line) {
            if (said.empty()) said = line;
        });
        return said;
    };
    CHECK_THAT(migrate(), ContainsSubstring("taken over at version " + version + " as 001"));
    CHECK(database.number("SELECT seq FROM relay_checkpoint") == 7);
    CHECK(database.query("SELECT version FROM schema_version").at(0) == version);
    CHECK(database.number("SELECT count(*) FROM schema_migrations") == 10);

    database.query(
        "DROP VIEW audit_v1_migrations; DROP TABLE schema_migrations;"
        "UPDATE schema_version SET version = '0123456789abcdef'");
    CHECK_THROWS_WITH(migrate(), ContainsSubstring("schema_version is 0123456789abcdef") &&
                                     ContainsSubstring("takes over " + version));
}

TEST_CASE("migrations: every file of the services can be read") {
    for (const Subject& subject : subjects()) {
        for (const MigrationSeries& series : subject.migrations) {
            int number = 0;
            for (const MigrationFile& file : series.files) {
                INFO(subject.name << " " << file.name);
                CHECK(postgres::parse_migration(file).number == ++number);
            }
        }
    }
    CHECK_THROWS_AS(postgres::parse_migration({"first.sql", ""}), std::invalid_argument);
    CHECK_THROWS_AS(postgres::parse_migration({"001_a.sql", "-- migrate: at night"}),
                    std::invalid_argument);
    CHECK_THROWS_AS(postgres::parse_migration({"001_a.sql", "-- migrate: programs from x"}),
                    std::invalid_argument);
    CHECK(postgres::statements_of("-- why; and how\nSELECT 1;\n\nSELECT\n 2; -- two\n-- end\n")
              .size() == 2);
}

}  // namespace orderflow::test
