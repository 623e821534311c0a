// StockReserved against CancellationStarted, ten thousand times, as two members of the group would
// meet them: whoever commits first is right, and once payment has answered that there is nothing to
// compensate, no charge may follow.

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <iterator>
#include <random>
#include <set>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "kafka/delivery.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/relay_feed.hpp"
#include "outbox/unit_of_work.hpp"
#include "payment/payment_handler.hpp"
#include "support/builders.hpp"
#include "support/database.hpp"

namespace orderflow {
namespace payment {
extern const postgres::Migrations kMigrations;
}

namespace test {
namespace {

using events::Event;
using kafka::Delivery;
using outbox::BatchOutput;

constexpr std::size_t kBatches = 100;
constexpr std::size_t kOrders = 100;  // in each batch

using Batches = std::vector<std::vector<Delivery>>;

Delivery delivery(Event event) {
    Delivery delivery;
    delivery.event = std::move(event);
    return delivery;
}

// One member of the group: its own connection, store and service; the calls that it would make.
class Member {
public:
    explicit Member(const std::string& url)
        : connection_(url),
          work_(connection_, events::Service::payment, relay_feed_),
          store_(payment::make_payment_store(connection_)) {}

    // As the consumer loop does: a deadlock counts as a lost compare-and-set.
    std::size_t handle(const std::vector<Delivery>& batch) {
        for (std::size_t lost = 0;; ++lost) {
            try {
                lost += outbox::run_transaction(work_, [&](Instant now, BatchOutput& out) {
                    return service_.handle(now, batch, out);
                });
                service_.committed();
                return lost;
            } catch (const postgres::DatabaseError& error) {
                if (!error.deadlock()) throw;
            }
        }
    }

    std::vector<payment::Call> calls;

private:
    outbox::RelayFeed relay_feed_;
    prometheus::Registry registry_;
    payment::PaymentMetrics metrics_{registry_};
    postgres::Connection connection_;
    outbox::PostgresUnitOfWork work_;
    std::unique_ptr<payment::PaymentStore> store_;
    payment::PaymentHandler service_{std::move(store_),
                                     [this](const std::vector<payment::Call>& due) {
                                         std::ranges::copy(due, std::back_inserter(calls));
                                     },
                                     metrics_};
};

std::size_t calls_of(const Member& member, payment::CallKind kind) {
    return static_cast<std::size_t>(std::ranges::count(member.calls, kind, &payment::Call::kind));
}

// What the answers, the rows and the calls must be, however the races ended.
void check_consistency(TestDatabase& database, const Member& forward, const Member& back) {
    const auto count = [&](const std::string& where) {
        return static_cast<std::size_t>(
            database.number("SELECT count(*) FROM payments WHERE " + where));
    };
    const std::size_t rounds = kBatches * kOrders;
    const std::size_t answered = count("state = 'NEVER_CHARGED' AND version = 1");
    const std::size_t cancelled = count("state = 'CANCELLING' AND version = 2");
    CHECK(count("true") == rounds);
    CHECK(answered + cancelled == rounds);
    CHECK(answered > 0);
    CHECK(cancelled > 0);
    // Each tombstone was answered once, and nothing else was said.
    CHECK(static_cast<std::size_t>(database.number(
              "SELECT count(*) FROM outbox o JOIN payments p USING (order_id)"
              " WHERE o.type = 'NothingToCompensate.v1' AND p.state = 'NEVER_CHARGED'")) ==
          answered);
    CHECK(static_cast<std::size_t>(database.number("SELECT count(*) FROM outbox")) == answered);
    // No charge after an answer: charges and cancels are for the other orders only.
    CHECK(calls_of(forward, payment::CallKind::charge) == cancelled);
    CHECK(calls_of(back, payment::CallKind::cancel) == cancelled);
    CHECK(forward.calls.size() + back.calls.size() == 2 * cancelled);
    const auto ids = database.query("SELECT order_id FROM outbox");
    const std::set<std::string> answers(ids.begin(), ids.end());
    CHECK(std::ranges::none_of(forward.calls, [&](const payment::Call& call) {
        return answers.contains(call.id.to_string());
    }));
}

}  // namespace

TEST_CASE("payment race: no charge after an answer, in 10,000 rounds of intent against trigger") {
    TestDatabase database(events::Service::payment, payment::kMigrations);
    Batches forward(kBatches), back(kBatches);
    for (std::size_t batch = 0; batch < kBatches; ++batch) {
        for (std::size_t i = 0; i < kOrders; ++i) {
            const Story story;
            forward[batch].push_back(delivery(story.reserved()));
            back[batch].push_back(delivery(story.cancellation()));
        }
        std::ranges::reverse(back[batch]);
    }
    Member reserving(database.url());
    Member cancelling(database.url());
    std::barrier both(2);
    std::atomic<std::size_t> lost = 0;
    const auto run = [&](Member& member, const Batches& batches) {
        // Opening takes longer than cancelling, much longer with a sanitizer.
        const unsigned latest_us = &member == &reserving ? 4'000 : 16'000;
        std::minstd_rand random(latest_us);
        for (const auto& batch : batches) {
            both.arrive_and_wait();
            const std::chrono::microseconds late{random() % latest_us};  // who wins?
            std::this_thread::sleep_for(late);
            lost += member.handle(batch);
        }
    };

    {
        std::jthread other([&] { run(cancelling, back); });
        run(reserving, forward);
    }

    check_consistency(database, reserving, cancelling);
    WARN("lost races: " << lost);
    CHECK(lost > 0);
}

}  // namespace test
}  // namespace orderflow
