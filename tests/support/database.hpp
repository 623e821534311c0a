#pragma once
// A database of a test's own, with a service's schema, dropped at the end: tests run in parallel
// and leave nothing behind. One thread each; any number of connections to url().
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "events/catalog.hpp"
#include "postgres/connection.hpp"
#include "postgres/migration.hpp"

namespace orderflow::test {

class TestDatabase {
public:
    // Creates the database and applies `migrations`, with the timeouts that
    // a service's role has.
    TestDatabase(events::Service service, postgres::Migrations migrations);
    ~TestDatabase();
    TestDatabase(const TestDatabase&) = delete;
    TestDatabase& operator=(const TestDatabase&) = delete;

    const std::string& url() const { return url_; }
    const std::string& name() const { return name_; }

    // Any statements; the first column of the last one's rows, as text.
    std::vector<std::string> query(const std::string& sql);
    // The one value of the one row; an integer.
    std::int64_t number(const std::string& sql);

    // What every table of the service and its outbox holds, as text to compare. `exact` means every
    // column; otherwise without what differs between two runs of the same events: times, versions,
    // sequence numbers and ids drawn at random.
    std::string snapshot(bool exact);

    // Ends every connection but its own; with `shut`, new ones are refused until open().
    void cut_connections(bool shut = false);
    void open();

private:
    std::string name_;
    std::string url_;
    postgres::Connection admin_;       // to another database of the same server
    postgres::Connection connection_;  // without those timeouts: a check may take its time
};

}  // namespace orderflow::test
