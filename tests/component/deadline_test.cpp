// The deadline as the order service runs it, between PostgreSQL and Kafka: late orders are
// cancelled, but not those of which records may be waiting to be read. And customers'
// cancellations, against events that come at the same moment.

#include <atomic>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "component/subjects.hpp"
#include "kafka/asking_client.hpp"
#include "kafka/caught_up.hpp"
#include "kafka/delivery.hpp"
#include "kafka/group_positions.hpp"
#include "kafka/settings.hpp"
#include "kafka/topic_layout.hpp"
#include "loops/batch.hpp"
#include "loops/consumer_loop.hpp"
#include "loops/context.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "order/saga/deadline.hpp"
#include "order/saga/saga_commands.hpp"
#include "outbox/relay_feed.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/commands.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/metrics.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using events::Service;
using kafka::CaughtUp;
using kafka::Delivery;
using kafka::partition_of;
using loops::ConsumerLoop;
using outbox::BatchOutput;

constexpr order::DeadlineSettings kSettings{1s, 1s};

// The database is unavailable for batches with this order's records, while it is held.
class Holding final : public loops::BatchHandler {
public:
    Holding(std::unique_ptr<loops::BatchHandler> next, OrderId id, std::atomic<bool>& held)
        : next_(std::move(next)), id_(id), held_(held) {}

    bool handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) override {
        for (const Delivery& delivery : batch) {
            if (held_ && *delivery.order_id() == id_) {
                throw postgres::DatabaseError("planned", "", true);
            }
        }
        return next_->handle(now, batch, out);
    }
    void committed() override { next_->committed(); }

private:
    const std::unique_ptr<loops::BatchHandler> next_;
    const OrderId id_;
    std::atomic<bool>& held_;
};

// How far a sender is, and the consumer of its records.
struct Race {
    std::atomic<int> sent = 0;
    std::atomic<int> handled = 0;
};

// Is done with a batch only when more records have come: whenever the source is asked about its
// partitions, the end of a busy one has moved on.
class Outrun final : public loops::BatchHandler {
public:
    Outrun(std::unique_ptr<loops::BatchHandler> next, Race& race)
        : next_(std::move(next)), race_(race) {}

    bool handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) override {
        size_ = static_cast<int>(batch.size());
        return next_->handle(now, batch, out);
    }
    void committed() override {
        next_->committed();
        race_.handled += size_;
        eventually(500ms, [this, before = race_.sent.load()] { return race_.sent > before + 2; });
    }

private:
    const std::unique_ptr<loops::BatchHandler> next_;
    Race& race_;
    int size_ = 0;
};

// The order service's parts that the deadline needs.
struct Lab {
    Lab() : database(Service::order, subject(Service::order).migrations) {}

    loops::Context context(prometheus::Registry& registry) {
        return {Service::order, database.url(), kafka, registry, relay_feed};
    }

    // As a POST does, all at the same time.
    void place(const std::vector<Story>& stories) {
        postgres::Connection connection(database.url());
        outbox::PostgresUnitOfWork work(connection, Service::order, relay_feed);
        std::vector<order::Placement> placements;
        for (const Story& story : stories) {
            placements.push_back({story.id, story.order, "", ""});
        }
        carry_out(work,
                  order::place_orders(order::make_saga_store(connection),
                                      outbox::make_request_keys(connection)),
                  placements);
    }
    std::string state(const Story& story) {
        return database
            .query("SELECT state || ' ' || coalesce(reason, '') FROM orders WHERE order_id = '" +
                   story.id.to_string() + "'")
            .at(0);
    }

    TestDatabase database;
    kafka::Settings kafka = fresh_group(Service::order);
    outbox::RelayFeed relay_feed;
};

void stop(ConsumerLoop& loop) { loop.stop(); }

}  // namespace

TEST_CASE("deadline: an order that nobody answers is cancelled, one that is completed is not") {
    Lab lab;
    prometheus::Registry registry;
    const Story silent, done;
    lab.place({silent, done});
    ConsumerLoop consumer(lab.context(registry),
                          subscription(subject(Service::order).make_handler));
    send({message_of(done.scheduled())});
    REQUIRE(eventually(30s, [&] { return lab.state(done) == "COMPLETED "; }));

    loops::Ticker deadline = order::deadline_ticker(lab.context(registry), kSettings);

    CHECK(eventually(30s, [&] { return lab.state(silent) == "CANCELLING DEADLINE"; }));
    CHECK(lab.state(done) == "COMPLETED ");
    deadline.stop();
    stop(consumer);
    CHECK(lab.database.query("SELECT type FROM outbox WHERE order_id = '" + silent.id.to_string() +
                             "' ORDER BY seq") ==
          std::vector<std::string>{"OrderPlaced.v1", "CancellationStarted.v1"});
}

TEST_CASE("deadline: an order whose partition is not read to its end is spared until it is") {
    Lab lab;
    prometheus::Registry registries[3];
    const Story held;
    const int its = partition_of(held.id.to_string(), 6);
    Story free;  // its partition goes to the other member
    while (partition_of(free.id.to_string(), 6) != (its + 3) % 6) free.id = new_order_id();
    std::atomic<bool> holding = true;
    const auto make = [&](postgres::Connection& connection) {
        return std::make_unique<Holding>(subject(Service::order).make_handler(connection), held.id,
                                         holding);
    };
    lab.place({held, free});
    ConsumerLoop one(lab.context(registries[0]), subscription(make));
    ConsumerLoop two(lab.context(registries[1]), subscription(make));
    send({message_of(held.reserved())});
    const auto names = events::topics_consumed_by(Service::order);
    const std::vector<std::string> topics(names.begin(), names.end());
    const auto client = kafka::make_asking_client(lab.kafka);
    CaughtUp caught_up(topics, topics, 1s, 6);
    const auto failures = [&] {
        return counter(registries[0], "orderflow_loop_failures_total") +
               counter(registries[1], "orderflow_loop_failures_total");
    };
    REQUIRE(eventually(60s, [&] {
        const auto now = CaughtUp::Clock::now();
        caught_up.seen(kafka::read_group(client.get(), lab.kafka.group_id, topics, 5s), now);
        return failures() > 0 && caught_up.may_judge(free.id.to_string(), now) &&
               !caught_up.may_judge(held.id.to_string(), now);
    }));

    // Both are late: what it may cancel it cancels in one transaction.
    loops::Ticker deadline = order::deadline_ticker(lab.context(registries[2]), kSettings);
    REQUIRE(eventually(30s, [&] { return lab.state(free) == "CANCELLING DEADLINE"; }));
    CHECK(lab.state(held) == "PROCESSING ");

    holding = false;
    CHECK(eventually(60s, [&] { return lab.state(held) == "CANCELLING DEADLINE"; }));
    deadline.stop();
    stop(one);
    stop(two);
    CHECK(lab.database.number("SELECT count(*) FROM orders WHERE reserved_at < cancelling_at"
                              " AND order_id = '" +
                              held.id.to_string() + "'") == 1);  // what was waiting came first
}

TEST_CASE("deadline: records that go on trickling into a partition keep no order alive") {
    Lab lab;
    prometheus::Registry registry;
    const Story silent;
    lab.place({silent});
    const int its = partition_of(silent.id.to_string(), 6);
    Race race;
    ConsumerLoop consumer(
        lab.context(registry), subscription([&](postgres::Connection& connection) {
            return std::make_unique<Outrun>(subject(Service::order).make_handler(connection), race);
        }));
    // Always a little ahead, never more: a consumer that falls behind is late indeed.
    std::jthread traffic([its, &race](std::stop_token stop) {
        Sender sender;
        while (!stop.stop_requested()) {
            if (race.sent > race.handled + 20) {
                std::this_thread::sleep_for(1ms);
                continue;
            }
            Story other;
            while (partition_of(other.id.to_string(), 6) != its) other.id = new_order_id();
            sender.send({message_of(other.reserved())});
            ++race.sent;
        }
    });
    loops::Ticker deadline = order::deadline_ticker(lab.context(registry), {1s, 5s});

    CHECK(eventually(60s, [&] { return lab.state(silent) == "CANCELLING DEADLINE"; }));
    deadline.stop();
    stop(consumer);
}

TEST_CASE("deadline: without a broker in reach nothing is late") {
    Lab lab;
    prometheus::Registry registry;
    const Story silent;
    lab.place({silent});
    lab.kafka.brokers = "127.0.0.1:1";
    ConsumerLoop consumer(lab.context(registry),
                          subscription(subject(Service::order).make_handler));
    loops::Ticker deadline = order::deadline_ticker(lab.context(registry), kSettings);

    // Long enough for it to look: it is overdue by then.
    REQUIRE(eventually(30s, [&] {
        return lab.database.number(
                   "SELECT count(*) FROM orders"
                   " WHERE placed_at < now() - interval '5 s'") == 1;
    }));
    CHECK(lab.state(silent) == "PROCESSING ");
    deadline.stop();
    stop(consumer);
}

TEST_CASE("cancellation: callers hear what is committed, however many ask at once") {
    Lab lab;
    prometheus::Registry registry;
    const Story open, completed, unknown;
    lab.place({open, completed});
    postgres::Connection connection(lab.database.url());
    run_one_batch(subject(Service::order), connection,
                  records_of(std::vector<events::Event>{completed.scheduled()}));
    order::CancelLoop loop("cancel", lab.context(registry), 100, order::cancel_steps());
    Callers callers;
    std::vector<std::string> heard;
    const auto ask = [&](const Story& story) {
        const auto note = [&](order::CancelLoop::Answer answer) {
            const auto& state = answer.outcome;
            heard.push_back(answer.fate != outbox::Fate::done ? "not committed"
                            : state ? boost::describe::enum_to_string(*state, "?")
                                    : "unknown");
        };
        callers.send<order::Cancellation, std::optional<order::State>>(loop, {story.id, "", ""},
                                                                       note);
    };
    for (int i = 0; i < 20; ++i) ask(open);
    ask(completed);
    ask(unknown);
    callers.wait();

    CHECK(std::ranges::count(heard, "CANCELLING") == 20);
    CHECK(std::ranges::count(heard, "COMPLETED") == 1);
    CHECK(std::ranges::count(heard, "unknown") == 1);
    CHECK(lab.state(open) == "CANCELLING CUSTOMER");
    CHECK(lab.database.number("SELECT count(*) FROM outbox WHERE"
                              " type = 'CancellationStarted.v1'") == 1);
}

TEST_CASE("cancellation: without a database callers are told so, and may ask again") {
    Lab lab;
    prometheus::Registry registry;
    const Story story;
    lab.place({story});
    order::CancelLoop loop("cancel", lab.context(registry), 100, order::cancel_steps());
    Callers callers;
    std::vector<outbox::Fate> fates;
    const auto ask = [&] {
        const auto note = [&](order::CancelLoop::Answer answer) { fates.push_back(answer.fate); };
        callers.send<order::Cancellation, std::optional<order::State>>(loop, {story.id, "", ""},
                                                                       note);
        callers.wait();
    };
    lab.database.cut_connections(true);
    ask();
    lab.database.open();
    ask();
    CHECK(fates == std::vector{outbox::Fate::unknown, outbox::Fate::done});
    CHECK(lab.state(story) == "CANCELLING CUSTOMER");
}

}  // namespace orderflow::test
