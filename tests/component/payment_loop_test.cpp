// From the intent's commit to the committed result, on a real database: calls, results and recovery
// together, with a gateway that fails as it is told to.

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include "loops/context.hpp"
#include "loops/decode.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/relay_feed.hpp"
#include "payment/payment_results.hpp"
#include "support/builders.hpp"
#include "support/database.hpp"
#include "support/eventually.hpp"

namespace orderflow {
namespace payment {
extern const postgres::Migrations kMigrations;
}

namespace test {
namespace {

using namespace std::chrono_literals;
using boost::asio::awaitable;
using payment::Call;
using payment::CallKind;

// Keeps each order's history as the real one does; the first calls of each order may go unanswered.
class ForgetfulGateway final : public payment::Gateway {
public:
    awaitable<payment::ChargeResult> charge(Call call) override {
        const std::lock_guard lock(mutex_);
        if (++charges_[call.id] <= unanswered) co_return payment::Unclear{"lost"};
        co_return payment::Captured{"ch_" + call.id.to_string(), call.amount};
    }
    awaitable<payment::CancelResult> cancel(OrderId id) override {
        const std::lock_guard lock(mutex_);
        if (++cancels_[id] <= unanswered) co_return payment::Unclear{"lost"};
        if (charges_[id] == 0) co_return payment::NothingTaken{};
        co_return payment::Refunded{{1500, {}}};
    }
    int charges() const {
        const std::lock_guard lock(mutex_);
        int sum = 0;
        for (const auto& [id, count] : charges_) sum += count;
        return sum;
    }

    std::atomic<int> unanswered = 0;

private:
    mutable std::mutex mutex_;
    std::map<OrderId, int> charges_, cancels_;
};

// The parts of a payment service, without broker and HTTP.
struct Process {
    explicit Process(TestDatabase& database, ForgetfulGateway& gateway)
        : context{events::Service::payment, database.url(), {}, registry, relay_feed},
          calls(io, gateway, results),
          loop(context, results, calls, metrics),
          thread([this] { io.run(); }) {}
    ~Process() {
        io.stop();
        thread.join();
        loop.stop();
    }

    payment::PaymentHandler::Submit submit() {
        return [this](std::vector<Call> due) { calls.submit(std::move(due)); };
    }

    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy{
        io.get_executor()};
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    loops::Context context;
    payment::PaymentMetrics metrics{registry};
    BatchQueue<payment::GatewayResult> results{4'096};
    payment::Calls calls;
    payment::ResultLoop loop;
    std::thread thread;
};

std::vector<events::Event> reserved(const std::vector<Story>& stories) {
    std::vector<events::Event> events;
    for (const Story& story : stories) events.push_back(story.reserved());
    return events;
}

// One batch, as a consumer loop does it.
void handle(TestDatabase& database, const std::vector<events::Event>& events,
            payment::PaymentHandler::Submit submit) {
    postgres::Connection connection(database.url());
    outbox::RelayFeed relay_feed;
    outbox::PostgresUnitOfWork work(connection, events::Service::payment, relay_feed);
    prometheus::Registry registry;
    payment::PaymentMetrics metrics(registry);
    payment::PaymentHandler service(payment::make_payment_store(connection), std::move(submit),
                                    metrics);
    const auto records = records_of(events);
    run_batch(work, service, loops::decode_batch(events::Service::payment, records));
}

std::int64_t count(TestDatabase& database, const std::string& from_where) {
    return database.number("SELECT count(*) FROM " + from_where);
}

}  // namespace

TEST_CASE("payment loop: an intent becomes a capture in two versions of its row") {
    TestDatabase database(events::Service::payment, payment::kMigrations);
    ForgetfulGateway gateway;
    Process process(database, gateway);
    const std::vector<Story> stories(300);

    handle(database, reserved(stories), process.submit());

    CHECK(eventually(10s, [&] {
        return count(database, "payments WHERE state = 'CAPTURED' AND version = 2") == 300;
    }));
    CHECK(count(database, "outbox WHERE type = 'PaymentCaptured.v1'") == 300);
    CHECK(gateway.charges() == 300);
}

TEST_CASE("payment loop: what the gateway left unclear is asked again until it is clear") {
    TestDatabase database(events::Service::payment, payment::kMigrations);
    ForgetfulGateway gateway;
    gateway.unanswered = 2;
    Process process(database, gateway);
    const std::vector<Story> stories(20);

    handle(database, reserved(stories), process.submit());

    CHECK(eventually(10s, [&] {
        return count(database, "payments WHERE state = 'CAPTURED' AND attempts = 2") == 20;
    }));
    CHECK(gateway.charges() == 60);
    handle(database, {stories[0].cancellation()}, process.submit());
    CHECK(eventually(
        10s, [&] { return count(database, "outbox WHERE type = 'PaymentRefunded.v1'") == 1; }));
    CHECK(count(database, "payments WHERE state = 'REFUNDED'") == 1);
}

TEST_CASE("payment loop: results wait for a database that went away, and none is lost") {
    TestDatabase database(events::Service::payment, payment::kMigrations);
    ForgetfulGateway gateway;
    Process process(database, gateway);
    const std::vector<Story> stories(50);
    handle(database, reserved(stories), process.submit());
    REQUIRE(eventually(10s,
                       [&] { return count(database, "payments WHERE state = 'CAPTURED'") == 50; }));

    database.query("UPDATE payments SET state = 'CANCELLING'");
    database.cut_connections(true);
    std::vector<Call> again;
    for (const Story& story : stories) again.push_back({story.id, CallKind::cancel, {}, ""});
    process.calls.submit(again);
    REQUIRE(eventually(10s, [&] { return process.calls.load(CallKind::cancel).running == 0; }));
    database.open();

    CHECK(eventually(
        10s, [&] { return count(database, "outbox WHERE type = 'PaymentRefunded.v1'") == 50; }));
}

TEST_CASE("payment loop: an intent whose process died is charged by the next one") {
    TestDatabase database(events::Service::payment, payment::kMigrations);
    ForgetfulGateway gateway;
    std::vector<Story> stories(10);
    for (Story& story : stories) story.id = IdSource().next<OrderId>(system_now() - 1min);
    // It dies before the call.
    handle(database, reserved(stories), [](const std::vector<Call>&) {});
    REQUIRE(count(database, "payments WHERE state = 'INTENT'") == 10);
    database.query("UPDATE payments SET touched_at = touched_at - interval '1 minute'");

    Process next(database, gateway);

    CHECK(eventually(10s,
                     [&] { return count(database, "payments WHERE state = 'CAPTURED'") == 10; }));
    CHECK(gateway.charges() == 10);
}

}  // namespace test
}  // namespace orderflow
