#pragma once
// The services as one suite sees them: how each is put together on a database, and what happens to
// it in a few orders' lives. Used by the tests that hold for every service.
#include <functional>
#include <string>
#include <vector>

#include "kafka/record.hpp"
#include "loops/subscription.hpp"
#include "loops/decode.hpp"
#include "support/builders.hpp"
#include "support/database.hpp"

namespace orderflow::test {

struct Subject {
    std::string name;
    events::Service service{};
    postgres::Migrations migrations;
    // Rows that must be there before the first event: the catalogue, the storage.
    std::string prepare_sql;
    loops::Subscription::MakeHandler make_handler;
    // What this service is told in the lives of several orders, in order.
    std::function<std::vector<events::Event>()> events;
};

const std::vector<Subject>& subjects();
const Subject& subject(events::Service service);

// One batch, as a consumer loop does it.
loops::BatchReport run_one_batch(const Subject& subject, postgres::Connection& connection,
                                 const std::vector<kafka::Record>& records);

// Of the service's own group and topics.
inline loops::Subscription subscription(loops::Subscription::MakeHandler make_handler) {
    return {.name = "test", .make_handler = std::move(make_handler)};
}

}  // namespace orderflow::test
