#pragma once
// A ledger on a connection of its own, for tests.
#include <string>

#include "messaging/postgres_ledger.hpp"

namespace orderflow::test {

class OwnLedger {
public:
    explicit OwnLedger(const std::string& url,
                       messaging::Lane lane = messaging::saga_lane(events::Service::order))
        : connection_(url), ledger_(connection_, std::move(lane)) {}
    messaging::PostgresLedger* operator->() { return &ledger_; }
    messaging::PostgresLedger& operator*() { return ledger_; }

private:
    postgres::Connection connection_;
    messaging::PostgresLedger ledger_;
};

}  // namespace orderflow::test
