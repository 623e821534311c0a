#pragma once
// A ledger on a connection of its own, for tests.
#include <string>

#include "outbox/postgres_ledger.hpp"

namespace orderflow::test {

class OwnLedger {
public:
    explicit OwnLedger(const std::string& url,
                       outbox::Lane lane = outbox::saga_lane(events::Service::order))
        : connection_(url), ledger_(connection_, std::move(lane)) {}
    outbox::PostgresLedger* operator->() { return &ledger_; }
    outbox::PostgresLedger& operator*() { return ledger_; }

private:
    postgres::Connection connection_;
    outbox::PostgresLedger ledger_;
};

}  // namespace orderflow::test
