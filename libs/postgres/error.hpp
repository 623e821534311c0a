#pragma once
// The exception for every database failure, with its SQLSTATE. Everything in this library throws
// it, on the caller's thread. It is caught at the top of each loop and in the HTTP session.
#include <stdexcept>
#include <string>
#include <string_view>

namespace orderflow::postgres {

class DatabaseError : public std::runtime_error {
public:
    // `sqlstate` is empty if the server sent none (the connection broke).
    DatabaseError(const std::string& message, std::string_view sqlstate, bool connection_lost)
        : std::runtime_error(message), sqlstate_(sqlstate), connection_lost_(connection_lost) {}

    const std::string& sqlstate() const { return sqlstate_; }

    // True for failures of the infrastructure; the same work is then tried again. These are the
    // classes 08 (connection), 25 (transaction state), 40 (rollback), 53 (resources), 55P03 (lock
    // not available), 57 (operator intervention), 58 (system), and every error on a broken
    // connection. Also 26000 (the server has dropped the prepared statement) and 0A000 (a table of
    // the prepared statement was altered): a new connection repairs both.
    bool transient() const {
        if (connection_lost_ || sqlstate_.empty() || sqlstate_ == "55P03") return true;
        if (sqlstate_ == "26000" || sqlstate_ == "0A000") return true;
        const std::string_view cls = std::string_view(sqlstate_).substr(0, 2);
        return cls == "08" || cls == "25" || cls == "40" || cls == "53" || cls == "57" ||
               cls == "58";
    }

    // True also for 57P..: such an error is the last thing that a server sends before it ends the
    // session.
    bool connection_lost() const { return connection_lost_ || sqlstate_.starts_with("57P"); }

    // 40P01: another batch won. It is treated like a lost compare-and-set.
    bool deadlock() const { return sqlstate_ == "40P01"; }

private:
    std::string sqlstate_;
    bool connection_lost_;
};

}  // namespace orderflow::postgres
