// A COMMIT that is done but never answered: what follows from it in memory, payment's calls to the
// gateway, is handed out by the next try, of a batch as of a parked record.

#include <catch2/catch_test_macros.hpp>

#include "component/subjects.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/relay_feed.hpp"
#include "payment/payment_handler.hpp"
#include "support/forwarding_work.hpp"

namespace orderflow::test {
namespace {

using events::Service;
using payment::Call;

// Loses the connection right after a commit, when told so.
class Unanswered final : public ForwardingWork {
public:
    using ForwardingWork::ForwardingWork;
    void commit(std::span<const outbox::OutgoingEvent> events) override {
        inner_.commit(events);
        if (std::exchange(losing, false)) throw postgres::DatabaseError("lost", "", true);
    }

    bool losing = false;
};

// The payment service's consumer, its calls noted instead of made.
struct Lab {
    Lab() : database(Service::payment, subject(Service::payment).migrations) {}

    void run(const Story& story) {
        const auto records = records_of(std::vector<events::Event>{story.reserved()});
        loops::run_batch(work, service, loops::decode_batch(Service::payment, records));
    }
    auto retry() { return loops::retry_due(Service::payment, work, service); }
    void make_due() { database.query("UPDATE parked SET due_at = now()"); }
    std::int64_t count(const std::string& from) {
        return database.number("SELECT count(*) FROM " + from);
    }

    TestDatabase database;
    postgres::Connection connection{database.url()};
    outbox::RelayFeed relay_feed;
    outbox::PostgresUnitOfWork real{connection, Service::payment, relay_feed};
    Unanswered work{real};
    prometheus::Registry registry;
    payment::PaymentMetrics metrics{registry};
    std::vector<Call> calls;
    payment::PaymentHandler service{
        payment::make_payment_store(connection),
        [this](const std::vector<Call>& due) { calls.insert(calls.end(), due.begin(), due.end()); },
        metrics};
};

}  // namespace

TEST_CASE("unknown commit: a batch that is run again hands out the calls of its intents") {
    Lab lab;
    const Story story;
    lab.work.losing = true;
    CHECK_THROWS_AS(lab.run(story), postgres::DatabaseError);
    CHECK(lab.count("payments") == 1);
    CHECK(lab.calls.empty());

    lab.run(story);

    REQUIRE(lab.calls.size() == 1);
    CHECK(lab.calls[0].id == story.id);
    CHECK(lab.count("payments WHERE state = 'INTENT' AND version = 1") == 1);
}

TEST_CASE("unknown commit: a parked record is kept until its call is handed out") {
    Lab lab;
    const Story story;
    lab.database.query("ALTER TABLE payments ADD CONSTRAINT planted CHECK (false)");
    lab.run(story);
    lab.database.query("ALTER TABLE payments DROP CONSTRAINT planted");
    REQUIRE(lab.count("parked") == 1);
    lab.make_due();
    lab.work.losing = true;
    CHECK_THROWS_AS(lab.retry(), postgres::DatabaseError);
    CHECK(lab.count("payments") == 1);
    CHECK(lab.calls.empty());
    CHECK_FALSE(lab.retry());  // not yet: who has handled it may be about to remove it

    lab.make_due();
    CHECK(lab.retry());

    REQUIRE(lab.calls.size() == 1);
    CHECK(lab.calls[0].id == story.id);
    CHECK(lab.count("payments WHERE state = 'INTENT' AND version = 1") == 1);
    CHECK(lab.count("parked") == 0);
}

}  // namespace orderflow::test
