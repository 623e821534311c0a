// What a session is, wherever its settings come from: the environment of libpq, the role, the
// database, the URL. Text, bytes, times and isolation are the same under all of them.

#include <cstdlib>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "component/subjects.hpp"
#include "order/saga/orders_store.hpp"
#include "order/saga/saga_store.hpp"
#include "postgres/migration.hpp"
#include "postgres/pool.hpp"
#include "support/stack.hpp"

namespace orderflow::test {
namespace {

using events::Service;
using postgres::Bytes;
using postgres::Params;
using postgres::Profile;
using postgres::Statement;
using postgres::Url;

const std::string kKorean = "김민준 €";

const Statement kTrip{"trip", R"(
    SELECT $1::text, char_length($1::text)::bigint, $2::bytea, $3::timestamptz,
           ($3::timestamptz)::text, char_length('a\b')::bigint, ($2::bytea)::text,
           ('{1,NULL}'::int[])[2] IS NULL, (interval '-1 day 2 hours')::text,
           current_setting('transaction_isolation'), current_schema()::text,
           current_setting('synchronous_commit'), (0.1::float8 + 0.2::float8)::text)"};

// Values and the meaning of literals, as the statements of the services take them for granted.
void check_trip(postgres::Connection& connection) {
    const std::string bytes("\0\x7f\\\xff", 4);
    const Instant noon = parse_rfc3339("2026-03-01T12:00:00.123456Z").value();
    const postgres::Rows rows = connection.exec(kTrip, Params::of(kKorean, Bytes{bytes}, noon));
    CHECK(rows.text(0, 0) == kKorean);
    CHECK(rows.int64(0, 1) == 5);  // characters, so the server reads the bytes as we mean them
    CHECK(rows.text(0, 2) == bytes);
    CHECK(rows.instant(0, 3) == noon);
    CHECK(rows.text(0, 4) == "2026-03-01 12:00:00.123456+00");
    CHECK(rows.int64(0, 5) == 3);
    CHECK(rows.text(0, 6) == "\\x007f5cff");
    CHECK(rows.boolean(0, 7));
    CHECK(rows.text(0, 8) == "-1 days +02:00:00");
    CHECK(rows.text(0, 9) == "read committed");
    CHECK(rows.text(0, 10) == "orders");
    CHECK(rows.text(0, 11) == "on");
    CHECK(rows.text(0, 12) == "0.30000000000000004");
}

// What the session's profile is: the planner's switches, and whether it joins two sets without an
// index by a nested loop.
std::vector<std::string> planning(postgres::Connection& connection) {
    std::vector<std::string> values;
    for (const char* name : {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"}) {
        values.emplace_back(connection.script(std::string("SHOW ") + name).text(0, 0));
    }
    const postgres::Rows plan = connection.script(
        "EXPLAIN (COSTS off) SELECT FROM generate_series(1, 1000) AS a(n)"
        " JOIN generate_series(1, 1000) AS b(n) ON a.n = b.n");
    values.emplace_back(plan.text(0, 0) == "Nested Loop" ? "nested loop" : "another plan");
    return values;
}
const std::vector<std::string> kByKey{"off", "off", "off", "nested loop"};
const std::vector<std::string> kByPlanner{"on", "on", "on", "another plan"};

struct Lab {
    TestDatabase database{Service::order, subject(Service::order).migrations};
    postgres::Connection admin{stack_setting("ADMIN_DATABASE_URL")};

    // An order with such text comes back as it was, for this connection and for any other one.
    void check_order(postgres::Connection& connection) {
        Story story;
        story.order.customer_id = kKorean;
        const order::NewOrder fresh{story.id, *order::place(story.id, story.order).next,
                                    &story.order};
        REQUIRE(order::make_saga_store(connection)->insert({&fresh, 1}));
        const auto found = order::find_order(connection, story.id);
        REQUIRE(found);
        CHECK(found->saga.customer_id == kKorean);
        CHECK(found->saga.placed_at == story.order.placed_at);
        const std::string id = story.id.to_string();
        CHECK(database.query("SELECT customer_id FROM orders WHERE order_id = '" + id + "'") ==
              std::vector{kKorean});
    }

    void check(const std::string& conninfo) {
        postgres::Connection connection(Url{conninfo, "orders"});
        check_trip(connection);
        check_order(connection);
        connection.reset();  // and so is the next session of the same object
        check_trip(connection);
    }

    // As an operator may have set it, for the role that the tests are, in this database alone.
    void alter_role(const std::string& setting) {
        admin.script("ALTER ROLE CURRENT_USER IN DATABASE " + database.name() + " " + setting);
    }
};

class Environment {
public:
    Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    ~Environment() { ::unsetenv(name_); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

private:
    const char* name_;
};

}  // namespace

TEST_CASE("session: libpq's environment changes nothing") {
    Lab lab;
    const std::pair<const char*, const char*> cases[] = {
        {"PGCLIENTENCODING", "LATIN1"},
        {"PGCLIENTENCODING", "UHC"},
        {"PGCLIENTENCODING", "EUC_KR"},
        {"PGCLIENTENCODING", "SQL_ASCII"},
        {"PGCLIENTENCODING", "auto"},
        {"PGCLIENTENCODING", "nonsense"},
        {"PGOPTIONS", "-c client_encoding=LATIN1 -c search_path=public -c statement_timeout=1"},
        {"PGOPTIONS", "-c nonsense"},
        {"PGOPTIONS", "-c default_transaction_isolation=serializable -c synchronous_commit=off"},
        {"PGTZ", "Asia/Seoul"},
        {"PGDATESTYLE", "German"},
        {"PGGEQO", "off"},
    };
    for (const auto& [name, value] : cases) {
        INFO(name << "=" << value);
        const Environment environment(name, value);
        lab.check(lab.database.url());
    }
    for (const char* name : {"PGTZ", "PGDATESTYLE", "PGGEQO"}) {
        INFO(name);
        const Environment environment(name, "nonsense");
        postgres::ignore_environment();  // as each program does first
        lab.check(lab.database.url());
    }
}

TEST_CASE("session: what a role, a database or the URL sets changes nothing") {
    Lab lab;
    const std::pair<const char*, const char*> cases[] = {
        {"client_encoding", "LATIN1"},
        {"client_encoding", "EUC_KR"},
        {"TimeZone", "'Asia/Seoul'"},
        {"DateStyle", "'SQL, DMY'"},
        {"IntervalStyle", "sql_standard"},
        {"search_path", "pg_catalog, public"},
        {"default_transaction_isolation", "'repeatable read'"},
        {"default_transaction_isolation", "serializable"},
        {"standard_conforming_strings", "off"},
        {"bytea_output", "escape"},
        {"extra_float_digits", "-10"},
        {"array_nulls", "off"},
        {"synchronous_commit", "off"},
        {"geqo", "off"},
        {"lc_messages", "'C'"},
    };
    for (const auto& [name, value] : cases) {
        INFO(name << " = " << value);
        lab.alter_role("SET " + std::string(name) + " = " + value);
        lab.check(lab.database.url());
        lab.alter_role("RESET " + std::string(name));
        if (std::string(value).find_first_of("', ") != std::string::npos) continue;
        lab.check(lab.database.url() + " options='-c " + name + "=" + value + "'");
    }
    lab.check(lab.database.url() + " client_encoding=LATIN1");
}

TEST_CASE("session: a limit of the role holds, and where there is none the service's") {
    Lab lab;
    for (const char* name : {"statement_timeout", "lock_timeout"}) {
        INFO(name);
        const std::string limit = std::string(name) == "lock_timeout" ? "2s" : "5s";
        const std::string show = std::string("SHOW ") + name;
        const auto shown = [&](const Url& url) {
            postgres::Connection connection(url);
            return std::string(connection.script(show).text(0, 0));
        };
        lab.alter_role(std::string("SET ") + name + " = 0");
        CHECK(shown({lab.database.url(), "orders"}) == limit);
        CHECK(shown(lab.database.url()) == "0");  // somebody else's connection
        lab.alter_role(std::string("SET ") + name + " = '7s'");
        CHECK(shown({lab.database.url(), "orders"}) == "7s");
    }
}

TEST_CASE("session: by key rows are joined one by one, by planner as it costs least") {
    Lab lab;
    for (const char* of_role : {"on", "off"}) {
        INFO(of_role);
        for (const char* name : {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"}) {
            lab.alter_role(std::string("SET ") + name + " = " + of_role);
        }
        postgres::Connection unspecified(lab.database.url());
        CHECK(planning(unspecified) == kByKey);
        postgres::Connection by_key({lab.database.url(), "orders"}, Profile::by_key);
        CHECK(planning(by_key) == kByKey);
        postgres::Connection by_planner({lab.database.url(), "orders"}, Profile::by_planner);
        CHECK(planning(by_planner) == kByPlanner);
        check_trip(by_planner);  // nothing else differs
        by_planner.reset();      // and so is the next session of the same object
        CHECK(planning(by_planner) == kByPlanner);
    }
}

TEST_CASE("session: all connections of a pool have its profile, by key if it names none") {
    Lab lab;
    boost::asio::thread_pool io(1);
    const auto planning_in = [&](postgres::Pool& pool) {
        auto read = [](postgres::Connection& connection) { return planning(connection); };
        return boost::asio::co_spawn(io.get_executor(), pool.run(read), boost::asio::use_future)
            .get();
    };
    postgres::Pool reads(lab.database.url(), 1, 1);
    postgres::Pool reports(lab.database.url(), 1, 1, nullptr, Profile::by_planner);
    CHECK(planning_in(reads) == kByKey);
    CHECK(planning_in(reports) == kByPlanner);
}

TEST_CASE("session: two statements of one name are two statements") {
    const Statement one{"same", "SELECT 1::bigint"};
    const Statement two{"same", "SELECT 2::bigint"};
    postgres::Connection connection(stack_setting("ADMIN_DATABASE_URL"));
    for (int times = 0; times < 2; ++times) {
        CHECK(connection.exec(one).int64(0, 0) == 1);
        CHECK(connection.exec(two).int64(0, 0) == 2);
        CHECK(connection.exec_after(one, two).int64(0, 0) == 2);
    }
}

TEST_CASE("session: an id is read from a uuid and from nothing else") {
    const Statement values{"values", R"(
        SELECT '01a2007a-ec78-7d08-b224-3b50ca4ed032'::uuid, NULL::uuid, 'short'::text,
               repeat('long', 10))"};
    postgres::Connection connection(stack_setting("ADMIN_DATABASE_URL"));
    const postgres::Rows rows = connection.exec(values);
    CHECK(rows.id<OrderId>(0, 0).to_string() == "01a2007a-ec78-7d08-b224-3b50ca4ed032");
    for (const int column : {1, 2, 3}) {
        INFO(column);
        CHECK_THROWS_AS(rows.id<OrderId>(0, column), std::logic_error);
    }
}

TEST_CASE("session: a database that cannot hold every text is refused") {
    postgres::Connection admin(stack_setting("ADMIN_DATABASE_URL"));
    std::string name = unique("latin");
    std::ranges::replace(name, '-', '_');
    admin.script("CREATE DATABASE " + name +
                 " TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
    {
        postgres::Connection connection(stack_setting("ADMIN_DATABASE_URL") + " dbname=" + name);
        CHECK_THROWS_WITH(
            postgres::migrate(connection, "orders", subject(Service::order).migrations,
                              [](const std::string&) {}),
            Catch::Matchers::ContainsSubstring("LATIN1") &&
                Catch::Matchers::ContainsSubstring("UTF8"));
    }
    admin.script("DROP DATABASE " + name);
}

TEST_CASE("session: a URL that libpq cannot read is refused before anybody connects by it") {
    for (const char* bad : {"orders", "host=a dbname", "postgres://[", "nosuchoption=1"}) {
        CHECK_THROWS_AS(postgres::Url(bad), std::invalid_argument);
    }
    CHECK_NOTHROW(postgres::Url("postgres://me@somewhere/orders"));
}

}  // namespace orderflow::test
