#pragma once
// What a database failure is: an exception with its SQLSTATE. Thrown by everything in this library,
// caught at each loop's top and in the HTTP session.
#include <stdexcept>
#include <string>
#include <string_view>

namespace orderflow::postgres {

class DatabaseError : public std::runtime_error {
public:
    // `sqlstate` is empty when the server said nothing (the connection broke).
    DatabaseError(const std::string& message, std::string_view sqlstate, bool connection_lost)
        : std::runtime_error(message), sqlstate_(sqlstate), connection_lost_(connection_lost) {}

    const std::string& sqlstate() const { return sqlstate_; }

    // True for failures of the infrastructure, after which the same work is done again: classes 08
    // (connection), 25 (transaction state), 40 (rollback), 53 (resources), 55P03 (lock not
    // available), 57 (operator intervention), 58 (system), and every error on a broken connection;
    // also 26000 and 0A000, which a prepared statement gets that the server has dropped, or whose
    // table was altered: a new connection mends both.
    bool transient() const {
        if (connection_lost_ || sqlstate_.empty() || sqlstate_ == "55P03") return true;
        if (sqlstate_ == "26000" || sqlstate_ == "0A000") return true;
        const std::string_view cls = std::string_view(sqlstate_).substr(0, 2);
        return cls == "08" || cls == "25" || cls == "40" || cls == "53" || cls == "57" ||
               cls == "58";
    }

    // Also 57P..: the last thing that a server says which ends the session.
    bool connection_lost() const { return connection_lost_ || sqlstate_.starts_with("57P"); }

    // 40P01: somebody else's batch won; as good as a lost compare-and-set.
    bool deadlock() const { return sqlstate_ == "40P01"; }

private:
    std::string sqlstate_;
    bool connection_lost_;
};

}  // namespace orderflow::postgres
