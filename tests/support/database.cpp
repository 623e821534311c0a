#include "support/database.hpp"

#include "postgres/migration.hpp"
#include "support/builders.hpp"
#include "support/stack.hpp"

// SOCI 4.0.3 leaks a connection that is cut after it was opened and before SOCI's first statement
// on it: the object and its socket are lost, once for each such cut. Tests cut connections at any
// time.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libsoci_postgresql.so\n"; }

namespace orderflow::test {
namespace {

// The limits of a service's role (deploy/postgres/bootstrap.sql).
constexpr const char* kSettings[] = {"statement_timeout = '5s'",
                                     "idle_in_transaction_session_timeout = '5s'",
                                     "lock_timeout = '2s'"};

std::string fresh_name() {
    std::string name = unique("test");
    std::ranges::replace(name, '-', '_');
    return name;
}

// Selects the rows of each table as sorted JSON. `masked` is a list of the columns to leave out.
std::string rows_of(const std::string& table, const std::string& masked) {
    return "SELECT coalesce(string_agg(r, E'\\n' ORDER BY r), '') FROM (SELECT (to_jsonb(t) - " +
           masked + ")::text AS r FROM " + table + " t) AS rows";
}

// The outbox without the announcements of parked and dead records: these contain times and offsets.
const std::string kSagaEvents =
    "(SELECT * FROM outbox WHERE type NOT IN ('RecordParked.v1', 'RecordDied.v1'))";

// The rows of a table that do not depend on the size of the batches: without the counts that have
// returned to zero.
std::string told_by(const std::string& table) {
    if (table == "outbox") return kSagaEvents;
    if (table == "counters") return "(SELECT * FROM counters WHERE value <> 0)";
    if (table == "open_seconds") return "(SELECT * FROM open_seconds WHERE open <> 0)";
    return table;
}

}  // namespace

TestDatabase::TestDatabase(events::Service service, postgres::Migrations migrations)
    : name_(fresh_name()),
      url_(stack_setting("ADMIN_DATABASE_URL") + " dbname=" + name_),
      admin_(stack_setting("ADMIN_DATABASE_URL")),
      connection_(url_ + " options='-c statement_timeout=0 -c lock_timeout=0'",
                  postgres::Profile::by_planner) {
    const std::string schema(events::names_of(service).schema);
    admin_.script("CREATE DATABASE " + name_ + " TEMPLATE template0");
    admin_.script("ALTER DATABASE " + name_ + " SET search_path = " + schema);
    for (const char* setting : kSettings) {
        admin_.script("ALTER DATABASE " + name_ + " SET " + setting);
    }
    postgres::migrate(connection_, schema, migrations, [](const std::string&) {});
}

TestDatabase::~TestDatabase() {
    try {
        connection_.reset();
        admin_.script("DROP DATABASE " + name_ + " WITH (FORCE)");
    } catch (const std::exception&) {
        // The stack is being stopped, and all its databases with it.
    }
}

std::vector<std::string> TestDatabase::query(const std::string& sql) {
    const postgres::Rows rows = connection_.script(sql);
    std::vector<std::string> values;
    for (int i = 0; i < rows.size(); ++i) values.emplace_back(rows.text(i, 0));
    return values;
}

std::int64_t TestDatabase::number(const std::string& sql) { return std::stoll(query(sql).at(0)); }

std::string TestDatabase::snapshot(bool exact) {
    std::string text;
    for (const std::string& table :
         query("SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
               " AND table_schema = current_schema() AND table_name <> 'relay_checkpoint'"
               " ORDER BY 1")) {
        std::string masked = "'{}'::text[]";
        if (!exact) {
            masked =
                "(SELECT coalesce(array_agg(column_name::text), '{}')"
                " FROM information_schema.columns"
                " WHERE table_schema = current_schema() AND table_name = '" +
                table +
                "'"
                " AND (data_type = 'timestamp with time zone' OR column_name IN"
                " ('version', 'seq', 'id', 'event_id', 'shipment_id', 'tracking_number',"
                " 'data')))";
        }
        text += table + "\n" + query(rows_of(exact ? table : told_by(table), masked)).at(0) + "\n";
    }
    // The events in order, per order; their data without the ids that were drawn at random.
    text += query(
                "SELECT coalesce(string_agg(key || ' ' || type || ' ' || regexp_replace(data,"
                " '\"(shipmentId|trackingNumber)\":\"[^\"]*\"', '', 'g'), E'\\n'"
                " ORDER BY key, seq), '') FROM " +
                (exact ? "outbox" : kSagaEvents) + " e")
                .at(0);
    return text;
}

void TestDatabase::cut_connections(bool shut) {
    if (shut) admin_.script("ALTER DATABASE " + name_ + " ALLOW_CONNECTIONS false");
    connection_.reset();
    admin_.script("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
                  name_ + "'");
}

void TestDatabase::open() { admin_.script("ALTER DATABASE " + name_ + " ALLOW_CONNECTIONS true"); }

}  // namespace orderflow::test
