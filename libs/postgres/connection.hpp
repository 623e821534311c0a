#pragma once
// One PostgreSQL connection: a SOCI session for cold paths, and libpq on the same connection for
// sets (binary arrays, prepared statements). Each loop and each pool thread owns one; not
// thread-safe. Every failure is a DatabaseError; after a lost connection call `reset()`.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "postgres/error.hpp"
#include "postgres/params.hpp"

struct pg_conn;
struct pg_result;
namespace soci {
class session;
}

namespace orderflow::postgres {

// A statement and its name for errors and for pg_prepared_statements, where a number follows it:
// "begin.1". Define one constant per statement at namespace scope: its address is its identity, so
// two may have the same name.
struct Statement {
    const char* name;
    const char* sql;
};

// The rows of an answer, binary. Column indices count from 0. Views point into this object.
class Rows {
public:
    explicit Rows(pg_result* result) : result_(result) {}

    int size() const;
    std::int64_t affected() const;  // rows inserted, updated or deleted

    bool is_null(int row, int column) const;
    bool boolean(int row, int column) const;
    std::int16_t int16(int row, int column) const;
    std::int32_t int32(int row, int column) const;
    std::int64_t int64(int row, int column) const;
    std::string_view text(int row, int column) const;  // also varchar, bytea
    Instant instant(int row, int column) const;        // timestamptz
    std::vector<std::int64_t> int64_array(int row, int column) const;

    template <class T>
    T id(int row, int column) const {
        T value;
        std::memcpy(value.bytes.data(), uuid(row, column).data(), 16);
        return value;
    }
    std::optional<Instant> optional_instant(int row, int column) const {
        if (is_null(row, column)) return std::nullopt;
        return instant(row, column);
    }

private:
    std::string_view uuid(int row, int column) const;  // 16 bytes

    struct Clear {
        void operator()(pg_result* result) const;
    };
    std::unique_ptr<pg_result, Clear> result_;
};

// The connection string for the log, its password left out.
std::string masked(const std::string& url);

// The connection string with this password. Throws std::invalid_argument if libpq cannot read it.
std::string with_password(const std::string& url, const std::string& password);

// What the connections of one Url do: how busy they are is the growth of busy_us by connections and
// time. Thread-safe.
struct Usage {
    std::atomic<std::int64_t> busy_us = 0;      // in statements, up to their answers
    std::atomic<std::int64_t> connections = 0;  // open now
};

// A database, and the schema that unqualified names mean there. Throws std::invalid_argument if
// libpq cannot read the string.
struct Url {
    Url(std::string a_conninfo, std::string_view a_schema = {});
    Url(const char* a_conninfo) : Url(std::string(a_conninfo)) {}

    std::string conninfo;  // a libpq conninfo string or URI
    std::string schema;    // empty: as the role says, and without the timeouts of a service
    std::shared_ptr<Usage> usage = {};  // counts there, if anywhere
};

// Keeps libpq from sending PGTZ, PGDATESTYLE and PGGEQO, which no connection string can overrule:
// a value that the server does not know would end every connect. Call it before threads start.
void ignore_environment();

class Connection {
public:
    // Does not connect yet; the first use does. Whatever statements rely on (encoding, time zone,
    // schema, isolation, …) is set then, whatever the environment, the role or the database say.
    // Throws std::invalid_argument for a conninfo that cannot be read.
    explicit Connection(const Url& url);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Runs a prepared statement (prepared on its first use here).
    Rows exec(const Statement& statement, const Params& params = {});

    // Runs two statements without parameters in one round trip; the rows of the second.
    Rows exec_after(const Statement& first, const Statement& second);

    // Runs plain SQL without parameters, several statements allowed. The rows of the last one are
    // in text format: only size() and text() make sense.
    Rows script(const std::string& sql);

    // Asks to be told what is notified on `channel`, a name of ours. Gone with the connection.
    void listen(const char* channel);
    // The payloads that were notified; waits up to `patience` for a first one.
    std::vector<std::string> notifications(std::chrono::milliseconds patience);

    // Finds out whether the server still answers.
    void ping() { script("SELECT 1"); }

    // For cold paths; connects if need be.
    soci::session& session();

    // Drops the connection; the next use makes a new one.
    void reset() noexcept;
    bool connected() const { return static_cast<bool>(session_); }

private:
    pg_conn* native();
    const char* prepare(const Statement& statement);  // its name on the server
    Rows pipelined(const char* what);
    [[noreturn]] void fail(pg_result* result, const char* what);

    std::string conninfo_;
    std::string pins_;  // run once on each new connection
    std::shared_ptr<Usage> usage_;
    std::unique_ptr<soci::session> session_;
    std::unordered_map<const Statement*, std::string> prepared_;  // to the name on the server
};

// One transaction: rolls back unless committed.
class Transaction {
public:
    // Begins and reads the database's clock, in one round trip.
    explicit Transaction(Connection& connection);
    // The same with a query of the caller's instead of the clock's alone: its first column must be
    // clock_timestamp().
    Transaction(Connection& connection, const Statement& first);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    Instant now() const { return answer_.instant(0, 0); }
    const Rows& answer() const { return answer_; }  // of the first query
    void commit();

private:
    Connection& connection_;
    Rows answer_;
    bool open_ = true;
};

}  // namespace orderflow::postgres
