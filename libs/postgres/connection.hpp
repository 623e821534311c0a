#pragma once
// One PostgreSQL connection: a SOCI session for cold paths, and libpq on the same connection for
// sets (binary arrays, prepared statements). Each loop and each pool thread owns one; not
// thread-safe. Every failure is a DatabaseError; after a lost connection, call `reset()`.
#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "postgres/conninfo.hpp"
#include "postgres/error.hpp"
#include "postgres/params.hpp"
#include "postgres/rows.hpp"

struct pg_conn;
struct pg_result;
namespace soci {
class session;
}

namespace orderflow::postgres {

// A statement and its name. Errors show the name; pg_prepared_statements shows it with a number
// behind it: "begin.1". Define one constant per statement at namespace scope. Its address is its
// identity, so two statements may have the same name.
struct Statement {
    const char* name;
    const char* sql;
};

// Which plans PostgreSQL may use for the statements of a session, whatever the role or the database
// have set.
enum class Profile {
    // Rows are found by an index, and rows of two tables are joined one by one. For statements that
    // name their rows by key, or a range along an index: the loops, and short reads. Their plans
    // are good from the first statement on, also if a table was empty when they were prepared.
    by_key,
    // The planner chooses by cost, from the statistics of that moment. For a report: a statement
    // that aggregates, orders or joins ranges that no index delivers in its order.
    by_planner,
};

class Connection {
public:
    // Does not connect; the first use does. That use also sets everything that statements rely on
    // (encoding, time zone, schema, isolation, …), whatever the environment, the role or the
    // database have set. Throws std::invalid_argument for a conninfo that libpq cannot read.
    explicit Connection(const Url& url, Profile profile = Profile::by_key);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Runs a statement as a prepared one; it is prepared on its first use on this connection.
    Rows exec(const Statement& statement, const Params& params = {});

    // Runs two statements without parameters in one round trip. Returns the rows of the second.
    Rows exec_after(const Statement& first, const Statement& second);

    // Runs a statement, and then one without parameters, in one round trip. Returns the rows of the
    // first. If the first fails, the second is not run, and the connection can still be used.
    Rows exec_before(const Statement& first, const Params& params, const Statement& second);

    // Runs plain SQL without parameters; several statements are allowed. The returned rows are
    // those of the last statement, in text format: use only size() and text() on them.
    Rows script(const std::string& sql);

    // Subscribes to the notifications on `channel`. The name is not escaped, so it must come from
    // our code. The subscription ends with the connection.
    void listen(const char* channel);
    // Returns the payloads of the notifications that have come; waits up to `patience` for a first
    // one.
    std::vector<std::string> notifications(std::chrono::milliseconds patience);

    // Checks whether the server still answers; throws if not.
    void ping() { script("SELECT 1"); }

    // For cold paths. Connects if there is no connection.
    soci::session& session();

    // Drops the connection; the next use connects again.
    void reset() noexcept;
    bool connected() const { return static_cast<bool>(session_); }

private:
    pg_conn* native();
    const char* prepare(const Statement& statement);  // its name on the server
    Rows pipelined(const char* what);
    bool send(const char* name, const Params& params);
    std::pair<Rows, Rows> exec_both(const Statement& first, const Params& params,
                                    const Statement& second);
    [[noreturn]] void fail(pg_result* result, const char* what);

    std::string conninfo_;
    std::string pins_;  // run once on each new connection
    std::shared_ptr<Usage> usage_;
    std::unique_ptr<soci::session> session_;
    std::unordered_map<const Statement*, std::string> prepared_;  // → its name on the server
};

// One transaction: rolls back unless committed.
class Transaction {
public:
    // Begins and reads the database's clock, in one round trip.
    explicit Transaction(Connection& connection);
    // The same with a query of the caller instead of the clock's own query. The first column of its
    // result must be clock_timestamp().
    Transaction(Connection& connection, const Statement& first);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    Instant now() const { return answer_.instant(0, 0); }
    const Rows& answer() const { return answer_; }  // of the first query
    void commit();
    // Runs the transaction's last statement and commits, in one round trip. Returns the rows of the
    // statement.
    Rows commit_after(const Statement& last, const Params& params);

private:
    Connection& connection_;
    Rows answer_;
    bool open_ = true;
};

}  // namespace orderflow::postgres
