// Saving by compare-and-set, between two connections: the first commit wins, the other batch is
// rolled back, loads again and decides again.

#include <atomic>
#include <barrier>
#include <random>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "component/subjects.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "order/saga/saga_commands.hpp"
#include "order/saga/saga_handler.hpp"
#include "outbox/relay_feed.hpp"
#include "support/commands.hpp"

namespace orderflow::test {
namespace {

using events::Event;
using events::Service;
using loops::run_batch;

// An order store that lets something happen between loading and saving, once.
class InterruptedStore final : public order::SagaStore {
public:
    InterruptedStore(postgres::Connection& connection, std::function<void()> interruption)
        : store_(order::make_saga_store(connection)), interruption_(std::move(interruption)) {}

    order::Sagas load(std::span<const OrderId> ids) override {
        auto sagas = store_->load(ids);
        if (interruption_) std::exchange(interruption_, nullptr)();
        return sagas;
    }
    order::Ledgers ledgers(std::span<const OrderId> ids) override { return store_->ledgers(ids); }
    bool insert(std::span<const order::NewOrder> orders) override { return store_->insert(orders); }
    bool update(const order::Sagas& sagas) override { return store_->update(sagas); }
    order::ProcessingPage scan_processing(const OrderId& after, const OrderId& upto,
                                          std::int64_t limit) override {
        return store_->scan_processing(after, upto, limit);
    }

private:
    std::unique_ptr<order::SagaStore> store_;
    std::function<void()> interruption_;
};

// Handles `batch` while another connection handles `other` between its load and its save.
loops::BatchReport run_interrupted(TestDatabase& database, const Event& batch, const Event& other) {
    const Subject& order = subject(Service::order);
    postgres::Connection mine(database.url());
    postgres::Connection theirs(database.url());
    order::SagaHandler service(std::make_unique<InterruptedStore>(
        mine, [&] { run_one_batch(order, theirs, records_of({{other}})); }));
    outbox::RelayFeed relay_feed;
    outbox::PostgresUnitOfWork work(mine, Service::order, relay_feed);
    const auto records = records_of({{batch}});
    return run_batch(work, service, loops::decode_batch(Service::order, records));
}

std::vector<std::string> emitted(TestDatabase& database) {
    return database.query("SELECT split_part(type, '.', 1) FROM outbox ORDER BY seq");
}

// A forward event and the cancellation of the same orders, as two members of the group meet them.
struct Race {
    Service service;
    Event (*forward)(const Story&);
    Event (*back)(const Story&);
    std::vector<std::string> forward_first;  // what is emitted then
    std::vector<std::string> back_first;
};

}  // namespace

TEST_CASE("compare-and-set: an update that comes second is decided again on the new row") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    postgres::Connection connection(database.url());
    const Story story;
    run_one_batch(order, connection, records_of({{Event{story.reserved()}}}));

    const auto report = run_interrupted(database, story.scheduled(), story.declined());

    CHECK(report.lost_races == 1);
    CHECK(report.emitted == 0);
    CHECK(database.query("SELECT state || ' ' || version FROM orders").at(0) == "CANCELLING 2");
    CHECK(emitted(database) == std::vector<std::string>{"OrderPlaced", "CancellationStarted"});
}

TEST_CASE("compare-and-set: an insert that comes second becomes an update") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    const Story story;

    const auto report = run_interrupted(database, story.captured(), story.reserved());

    CHECK(report.lost_races == 1);
    CHECK(database.query("SELECT state || ' ' || version FROM orders").at(0) == "PROCESSING 2");
    CHECK(database.number("SELECT count(*) FROM orders WHERE reserved_at IS NOT NULL"
                          " AND captured_at IS NOT NULL") == 1);
    CHECK(emitted(database) == std::vector<std::string>{"OrderPlaced"});
}

TEST_CASE("compare-and-set: after a lost connection each caller hears what the table says") {
    const Subject& order = subject(Service::order);
    TestDatabase database(order.service, order.migrations);
    postgres::Connection connection(database.url());
    outbox::RelayFeed relay_feed;
    outbox::PostgresUnitOfWork work(connection, Service::order, relay_feed);
    const order::Admission admission;
    const auto steps = order::accept_steps(admission)(connection);
    const Story placed;
    const Story lost;
    std::vector<order::Placement> first{{placed.id, placed.order, "", ""}};
    std::vector<order::Placement> second{{lost.id, lost.order, "", ""}};
    carry_out(work, steps.apply, first);

    connection.reset();
    const std::vector<order::Placement*> both{&first[0], &second[0]};
    std::vector<order::AcceptLoop::Answer> answers(2);
    steps.look_up(both, answers);

    CHECK((answers[0].fate == outbox::Fate::done && answers[0].outcome == placed.id));
    CHECK(answers[1].fate == outbox::Fate::unknown);
}

TEST_CASE("compare-and-set: forward and back meet in two connections, and one of them wins whole") {
    const Race race = GENERATE(Race{Service::order,
                                    [](const Story& s) { return Event{s.scheduled()}; },
                                    [](const Story& s) { return Event{s.refused()}; },
                                    {"OrderCompleted"},
                                    {"CancellationStarted"}},
                               Race{Service::inventory,
                                    [](const Story& s) { return Event{s.placed()}; },
                                    [](const Story& s) { return Event{s.cancellation()}; },
                                    {"StockReserved", "StockReleased"},
                                    {"NothingToCompensate"}},
                               Race{Service::shipping,
                                    [](const Story& s) { return Event{s.captured()}; },
                                    [](const Story& s) { return Event{s.cancellation()}; },
                                    {"ShipmentScheduled", "ShipmentVoided"},
                                    {"NothingToCompensate"}});
    const Subject& subject = test::subject(race.service);
    CAPTURE(subject.name);
    constexpr int kRounds = 42;
    constexpr int kOrders = 8;
    TestDatabase database(subject.service, subject.migrations);
    if (race.service == Service::inventory) {
        database.query(
            "INSERT INTO products (product_id, free, reserved, sold, updated_at, price,"
            " currency, name) VALUES ('A', 100000, 0, 0, now(), 1500, 'KRW', 'Laptop')");
    }
    if (race.service == Service::shipping) {
        database.query("INSERT INTO storage (capacity) VALUES (100000)");
    }

    std::vector<std::vector<Event>> forward(kRounds), back(kRounds);
    std::vector<Event> before;
    for (int round = 0; round < kRounds; ++round) {
        for (int i = 0; i < kOrders; ++i) {
            Story story;
            story.order.items[0].product_id = "A";
            story.order.warehouse_storage = true;
            before.push_back(story.reserved());
            forward[static_cast<std::size_t>(round)].push_back(race.forward(story));
            back[static_cast<std::size_t>(round)].push_back(race.back(story));
        }
        std::ranges::reverse(back[static_cast<std::size_t>(round)]);
    }
    postgres::Connection one(database.url());
    postgres::Connection two(database.url());
    if (race.service == Service::order) run_one_batch(subject, one, records_of(before));

    std::barrier both(2);
    std::atomic<std::size_t> lost = 0;
    // Two rounds have a winner by order, one each, on however busy a machine. The others are races.
    const auto member = [&](postgres::Connection& connection, const auto& batches, std::size_t me) {
        std::mt19937 random(static_cast<unsigned>(me));
        for (std::size_t round = 0; round < batches.size(); ++round) {
            both.arrive_and_wait();
            if (round == 1 - me) both.arrive_and_wait();
            if (round > 1) {
                std::this_thread::sleep_for(std::chrono::microseconds{random() % 4000});
            }
            lost += run_one_batch(subject, connection, records_of(batches[round])).lost_races;
            if (round == me) both.arrive_and_wait();
        }
    };
    {
        std::jthread other([&] { member(two, back, 1); });
        member(one, forward, 0);
    }

    const auto join = [](const std::vector<std::string>& names) {
        std::string text;
        for (const auto& name : names) text += (text.empty() ? "" : " ") + name;
        return text;
    };
    const auto outcomes = database.query(
        "SELECT string_agg(split_part(type, '.', 1), ' ' ORDER BY seq) FROM outbox"
        " WHERE type <> 'OrderPlaced.v1' GROUP BY order_id");
    const auto wins = std::ranges::count(outcomes, join(race.forward_first));
    CHECK(outcomes.size() == kRounds * kOrders);
    CHECK(wins + std::ranges::count(outcomes, join(race.back_first)) == kRounds * kOrders);
    CHECK(wins > 0);
    CHECK(wins < kRounds * kOrders);
    CHECK(lost > 0);
    if (race.service == Service::inventory) {
        CHECK(database.query("SELECT free || ' ' || reserved || ' ' || sold FROM products") ==
              std::vector<std::string>{"100000 0 0"});
    }
    if (race.service == Service::shipping) {
        CHECK(database.number("SELECT used FROM storage") == 0);
    }
}

}  // namespace orderflow::test
