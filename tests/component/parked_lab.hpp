#pragma once
// A service on its database, for the suites about parked records. One thread.
#include <string>
#include <vector>

#include "component/subjects.hpp"
#include "kafka/record.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"
#include "outbox/parking.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/relay_feed.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::test {

using Lines = std::vector<std::string>;

// One loop's connection to a database.
struct Worker {
    explicit Worker(const TestDatabase& database, events::Service service)
        : connection(database.url()), work(connection, service, relay_feed) {}

    outbox::RelayFeed relay_feed;
    postgres::Connection connection;
    outbox::PostgresUnitOfWork work;
};

// A service on its database, as its consumer loop works with it. While the fault is in, no order of
// customer BAD can leave the state PROCESSING.
struct Lab {
    explicit Lab(events::Service which = events::Service::order)
        : subject(test::subject(which)),
          database(subject.service, subject.migrations),
          worker(database, which),
          handler(subject.make_handler(worker.connection)) {
        if (!subject.prepare_sql.empty()) database.query(subject.prepare_sql);
    }

    void break_bad() {
        database.query(
            "ALTER TABLE orders ADD CONSTRAINT planted"
            " CHECK (customer_id <> 'BAD' OR state = 'PROCESSING')");
    }
    void mend() { database.query("ALTER TABLE orders DROP CONSTRAINT planted"); }

    loops::BatchReport run(const std::vector<kafka::Record>& records) {
        return loops::run_batch(worker.work, *handler,
                                loops::decode_batch(subject.service, records));
    }
    loops::BatchReport run(const std::vector<events::Event>& list) { return run(records_of(list)); }
    auto retry() { return loops::retry_due(subject.service, worker.work, *handler); }
    void make_due(const std::string& where = "true") {
        database.query("UPDATE parked SET due_at = now() WHERE NOT dead AND " + where);
    }

    // "shipping-events 1 blocks", "… dead", "… passes", in the order of their ids.
    Lines parked() {
        return database.query(
            "SELECT concat_ws(' ', topic, attempts, CASE WHEN dead THEN 'dead'"
            " WHEN blocks THEN 'blocks' ELSE 'passes' END)"
            " FROM parked ORDER BY id");
    }
    std::string state(const Story& story) {
        const auto states = database.query("SELECT state FROM orders WHERE order_id = '" +
                                           story.id.to_string() + "'");
        return states.empty() ? "none" : states[0];
    }

    const Subject& subject;
    TestDatabase database;
    Worker worker;
    const std::unique_ptr<loops::BatchHandler> handler;
};

inline Story bad_story() {
    Story story;
    story.order.customer_id = "BAD";
    return story;
}

// Puts the records aside as failed, in one transaction.
inline void park(Worker& worker, const std::vector<kafka::Record>& records,
                 const std::string& error = "x: y") {
    outbox::run_transaction(worker.work, [&](Instant, outbox::BatchOutput& out) {
        for (const kafka::Record& record : records) {
            out.parked.push_back(
                {&record, OrderId::parse(record.key.value_or("")), outbox::Parking::failed, error});
        }
        return true;
    });
}

}  // namespace orderflow::test
