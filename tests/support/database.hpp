#pragma once
// A database that one test creates for itself, with a service's schema, and drops at the end: tests
// run in parallel and leave nothing behind. Each object belongs to one thread; any number of
// connections to url().
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
    // Creates the database and applies `migrations`; connections get the timeouts that a service's
    // role has.
    TestDatabase(events::Service service, postgres::Migrations migrations);
    ~TestDatabase();
    TestDatabase(const TestDatabase&) = delete;
    TestDatabase& operator=(const TestDatabase&) = delete;

    const std::string& url() const { return url_; }
    const std::string& name() const { return name_; }

    // Runs any statements; returns the first column of the rows of the last one, as text.
    std::vector<std::string> query(const std::string& sql);
    // Returns the one value of the one row; an integer.
    std::int64_t number(const std::string& sql);

    // Returns the content of every table of the service and of its outbox, as text to compare.
    // `exact` includes every column. Otherwise the text leaves out what differs between two runs of
    // the same events: times, versions, sequence numbers and ids drawn at random.
    std::string snapshot(bool exact);

    // Ends every connection except its own; with `shut`, new ones are refused until open().
    void cut_connections(bool shut = false);
    void open();

private:
    std::string name_;
    std::string url_;
    postgres::Connection admin_;  // to another database of the same server
    // By planner, because the checks join whole tables; without those timeouts: they may take long.
    postgres::Connection connection_;
};

}  // namespace orderflow::test
