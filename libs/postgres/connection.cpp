#include "postgres/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

namespace orderflow::postgres {
namespace {

// The settings that statements rely on. A role, a database, the server's configuration or libpq's
// environment could change each of them without an error. Then text would be stored in another
// encoding, `\` in a literal would have another meaning, a statement would not see what was
// committed before it began, or a commit would be confirmed before it is on the disk. A SET in the
// session has priority over all of them.
// Some settings are not here, because no statement depends on them or because they are the
// operator's switch: default_transaction_read_only (a class 25 error: tried again), lc_messages,
// row_security and session_replication_role (there are no policies and foreign keys; triggers only
// copy idempotency keys for programs of the release before), application_name. The encoding is set
// in the conninfo (conninfo.hpp, with_pins).
const char kPins[] = R"(
    SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';
    SET standard_conforming_strings = on; SET bytea_output = 'hex'; SET extra_float_digits = 1;
    SET array_nulls = on; SET transform_null_equals = off;
    SET default_transaction_isolation = 'read committed';
    SET default_transaction_deferrable = off;
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off';)";

// A frozen process must not hold its locks for ever. A limit that the role already has is kept.
const char kServicePins[] = R"(
    SELECT set_config(name, value, false)
    FROM (VALUES ('statement_timeout', '5s'), ('idle_in_transaction_session_timeout', '5s'),
                 ('lock_timeout', '2s'), ('tcp_user_timeout', '5s')) AS wanted(name, value)
    WHERE current_setting(name) = '0';
    SELECT set_config('search_path', )";

// By key: a statement that was prepared while its table was empty would keep its sequential scan
// and hash join until the next autoanalyze. Measured at 20,000 rows: 10 ms instead of 0.1 for a
// load, 2.5 instead of 0.15 for an update of a hundred rows. By the planner: set as well, because a
// report must not depend on what the role has.
const char* pins_of(Profile profile) {
    switch (profile) {
        case Profile::by_key:
            return "SET enable_seqscan = off; SET enable_hashjoin = off;"
                   " SET enable_mergejoin = off;";
        case Profile::by_planner:
            return "SET enable_seqscan = on; SET enable_hashjoin = on; SET enable_mergejoin = on;";
    }
    return "";
}

// Prepared like all other statements: without that, parsing these few words would be a tenth of the
// server's work for a small batch.
const Statement kBegin{"begin", "BEGIN"};
const Statement kNow{"now", "SELECT clock_timestamp()"};
const Statement kCommit{"commit", "COMMIT"};

// By default libpq prints notices to stderr. There they would be mixed with the log's lines, and
// the write would wait for a slow reader. A notice that matters also comes as an error.
void ignore_notice(void*, const char*) {}

pg_conn* connection_of(soci::session& session) {
    return static_cast<soci::postgresql_session_backend*>(session.get_backend())->conn_;
}

// SOCI has a table of its backends, which it fills at the first use. This function does that once.
const soci::backend_factory& factory() { return *soci::factory_postgresql(); }

// Adds the time of a statement to `usage`.
class Busy {
public:
    explicit Busy(Usage* usage) : usage_(usage) {}
    ~Busy() {
        if (!usage_) return;
        usage_->busy_us += std::chrono::duration_cast<std::chrono::microseconds>(
                               std::chrono::steady_clock::now() - begun_)
                               .count();
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

private:
    Usage* const usage_;
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace

Connection::Connection(const Url& url, Profile profile)
    : conninfo_(with_pins(url.conninfo)),
      pins_(std::string(pins_of(profile)) + kPins),
      usage_(url.usage) {
    if (url.schema.empty()) return;
    pins_ += kServicePins + ("'\"" + url.schema + "\"', false)");
}
Connection::~Connection() { reset(); }

void Connection::reset() noexcept {
    prepared_.clear();
    if (session_ && usage_) --usage_->connections;
    session_.reset();
}

soci::session& Connection::session() {
    if (!session_) {
        try {
            session_ = std::make_unique<soci::session>(factory(), conninfo_);
        } catch (const soci::soci_error& error) {
            throw DatabaseError(std::string("connect: ") + error.what(), "", true);
        }
        if (usage_) ++usage_->connections;
        PQsetNoticeProcessor(connection_of(*session_), &ignore_notice, nullptr);
        try {
            script(pins_);
        } catch (const DatabaseError&) {
            reset();  // otherwise the next use would run without the pins
            throw;
        }
    }
    return *session_;
}

pg_conn* Connection::native() { return connection_of(session()); }

void Connection::fail(pg_result* result, const char* what) {
    const Rows owner(result);
    const char* state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
    const std::string sqlstate = state ? state : "";
    const bool lost = PQstatus(native()) != CONNECTION_OK;
    std::string message = std::string(what) + ": " +
                          (result ? PQresultErrorMessage(result) : PQerrorMessage(native()));
    throw DatabaseError(message, sqlstate, lost);
}

const char* Connection::prepare(const Statement& statement) {
    pg_conn* connection = native();
    const auto known = prepared_.find(&statement);
    if (known != prepared_.end()) return known->second.c_str();
    std::string name = statement.name + ("." + std::to_string(prepared_.size() + 1));
    PGresult* result = PQprepare(connection, name.c_str(), statement.sql, 0, nullptr);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail(result, statement.name);
    PQclear(result);
    return prepared_.emplace(&statement, std::move(name)).first->second.c_str();
}

// Reads the next result of the pipeline and the null that ends it; throws if the result is an
// error.
Rows Connection::pipelined(const char* what) {
    PGresult* result = PQgetResult(native());
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(result, what);
    PQgetResult(native());
    return Rows(result);
}

namespace {

// The parameters of a statement as libpq takes them.
struct RawParams {
    static constexpr std::size_t kMost = 32;

    explicit RawParams(const Params& params) {
        const auto refs = params.refs();
        if (refs.size() > kMost) throw std::logic_error("too many parameters");
        count = static_cast<int>(refs.size());
        for (std::size_t i = 0; i < refs.size(); ++i) {
            values[i] = refs[i].data;
            lengths[i] = static_cast<int>(refs[i].size);
            formats[i] = 1;
        }
    }

    int count = 0;
    const char* values[kMost];
    int lengths[kMost];
    int formats[kMost];
};

}  // namespace

bool Connection::send(const char* name, const Params& params) {
    const RawParams raw(params);
    return PQsendQueryPrepared(native(), name, raw.count, raw.values, raw.lengths, raw.formats, 1);
}

std::pair<Rows, Rows> Connection::exec_both(const Statement& first, const Params& params,
                                            const Statement& second) {
    const Busy busy(usage_.get());
    const char* const names[] = {prepare(first), prepare(second)};
    pg_conn* connection = native();
    // Reads what is left until the sync point and leaves the pipeline mode. A connection on which
    // that is not possible is dropped.
    struct Guard {
        Connection* connection;
        ~Guard() {
            pg_conn* const native = connection->native();
            for (int nulls = 0; nulls < 2 && PQstatus(native) == CONNECTION_OK;) {
                PGresult* const result = PQgetResult(native);
                const bool synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
                nulls = result ? 0 : nulls + 1;
                PQclear(result);
                if (synced) break;
            }
            if (!PQexitPipelineMode(native)) connection->reset();
        }
    };
    if (!PQenterPipelineMode(connection)) fail(nullptr, first.name);
    const Guard guard{this};
    if (!send(names[0], params) || !send(names[1], {}) || !PQpipelineSync(connection)) {
        fail(nullptr, first.name);
    }
    Rows rows = pipelined(first.name);
    return {std::move(rows), pipelined(second.name)};
}

// After a failure the first statement's effect would stay, a BEGIN for example, so the connection
// is dropped.
Rows Connection::exec_after(const Statement& first, const Statement& second) {
    try {
        return exec_both(first, {}, second).second;
    } catch (...) {
        reset();
        throw;
    }
}

Rows Connection::exec_before(const Statement& first, const Params& params,
                             const Statement& second) {
    return exec_both(first, params, second).first;
}

Rows Connection::exec(const Statement& statement, const Params& params) {
    const Busy busy(usage_.get());
    const char* const name = prepare(statement);
    const RawParams raw(params);
    PGresult* result =
        PQexecPrepared(native(), name, raw.count, raw.values, raw.lengths, raw.formats, 1);
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(result, statement.name);
    return Rows(result);
}

Rows Connection::script(const std::string& sql) {
    PGresult* result = PQexec(native(), sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail(result, sql.substr(0, 40).c_str());
    }
    return Rows(result);
}

void Connection::listen(const char* channel) { script(std::string("LISTEN ") + channel); }

std::vector<std::string> Connection::notifications(std::chrono::milliseconds patience) {
    pg_conn* connection = native();
    std::vector<std::string> payloads;
    const auto take = [&] {
        while (PGnotify* notify = PQnotifies(connection)) {
            payloads.emplace_back(notify->extra);
            PQfreemem(notify);
        }
    };
    take();  // those that came with the results of other statements
    if (!payloads.empty()) patience = std::chrono::milliseconds{0};
    pollfd readable{PQsocket(connection), POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(patience.count())) > 0) {
        if (!PQconsumeInput(connection)) fail(nullptr, "notifications");
        take();
    }
    return payloads;
}

Transaction::Transaction(Connection& connection) : Transaction(connection, kNow) {}

Transaction::Transaction(Connection& connection, const Statement& first)
    : connection_(connection), answer_(connection_.exec_after(kBegin, first)) {}

Transaction::~Transaction() {
    if (!open_ || !connection_.connected()) return;
    try {
        connection_.script("ROLLBACK");
    } catch (const DatabaseError&) {
        connection_.reset();  // nothing else may use a connection that cannot roll back
    }
}

void Transaction::commit() {
    open_ = false;
    connection_.exec(kCommit);
}

Rows Transaction::commit_after(const Statement& last, const Params& params) {
    Rows rows = connection_.exec_before(last, params, kCommit);
    open_ = false;
    return rows;
}

}  // namespace orderflow::postgres
