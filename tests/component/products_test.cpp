// The catalogue on PostgreSQL: two processes with one product or one key, while sales move the
// counters; and what an adjustment's key came to, which no clock makes the service forget.

#include <atomic>
#include <random>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "component/subjects.hpp"
#include "inventory/inventory_commands.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/relay_feed.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/commands.hpp"

namespace orderflow::test {
namespace {

using events::Service;
using inventory::ProductCommand;
using inventory::Verdict;
using outbox::Fate;
using ProductAnswer = outbox::Answer<inventory::ProductOutcome>;

ProductCommand creation(std::int64_t stock) {
    return {"A", inventory::PutProduct{{"Laptop", {1500, {}}, stock}, {}}, ""};
}
ProductCommand change(std::int64_t price, std::string tag) {
    inventory::PutProduct put{{"Laptop", {price, {}}, std::nullopt}, {}};
    put.conditions.match = inventory::Tags{false, {std::move(tag)}};
    return {"A", std::move(put), ""};
}
ProductCommand adjustment(const std::string& key, std::int64_t pieces) {
    return {"A", inventory::AdjustStock{pieces, "counted", key}, ""};
}

// One process of the inventory service: a connection, and the work on it.
struct Instance {
    explicit Instance(TestDatabase& database) : connection(database.url()) {}

    std::vector<ProductAnswer> ask(std::vector<ProductCommand> batch) {
        return carry_out(work, change, batch);
    }
    ProductAnswer ask_alone(const ProductCommand& command) {
        return ask(std::vector{command}).at(0);
    }
    inventory::ProductOutcome ask(const ProductCommand& command) {
        const ProductAnswer answer = ask_alone(command);
        CHECK(answer.fate == Fate::done);
        return answer.outcome;
    }

    postgres::Connection connection;
    outbox::RelayFeed relay_feed;
    outbox::PostgresUnitOfWork work{connection, Service::inventory, relay_feed};
    const outbox::Apply<ProductCommand, inventory::ProductOutcome> change =
        inventory::change_products(inventory::make_inventory_store(connection));
};

struct Lab {
    TestDatabase database{Service::inventory, subject(Service::inventory).migrations};
    Instance a{database}, b{database};

    std::string counters() {
        return database.query("SELECT free || ' ' || reserved || ' ' || sold FROM products").at(0);
    }
    std::int64_t adjusted() {  // what the ledger says
        return database.number(
            "SELECT coalesce(sum((data::json ->> 'change')::bigint), 0)"
            " FROM outbox WHERE type = 'StockAdjusted.v1'");
    }
};

}  // namespace

TEST_CASE("products: an adjustment is made once, whichever process is asked again") {
    Lab lab;
    lab.a.ask(creation(10));
    CHECK(lab.a.ask(adjustment("key-0001", -3)).free == 7);
    lab.a.ask(adjustment("key-0002", 5));

    const auto again = lab.b.ask(adjustment("key-0001", -3));
    CHECK((again.verdict == Verdict::ADJUSTED && again.free == 7));
    CHECK(lab.b.ask_alone(adjustment("key-0001", -4)).fate == Fate::mismatch);
    CHECK(lab.b.ask(adjustment("key-0003", -13)).verdict == Verdict::TOO_FEW);
    lab.a.ask(adjustment("key-0004", 5));
    CHECK(lab.a.ask(adjustment("key-0003", -13)).verdict == Verdict::TOO_FEW);

    CHECK(lab.counters() == "17 0 0");
    CHECK(lab.adjusted() == 17);
}

TEST_CASE("products: a key is remembered whatever the clock says") {
    Lab lab;
    lab.a.ask(creation(10));
    lab.a.ask(adjustment("key-0001", 5));
    lab.database.query("UPDATE adjustments SET decided_at = decided_at - interval '100 years'");
    CHECK(lab.b.ask(adjustment("key-0001", 5)).free == 15);
    CHECK(lab.counters() == "15 0 0");
}

TEST_CASE("products: a key in an open transaction holds nobody up, and is free if that fails") {
    Lab lab;
    lab.a.ask(creation(10));
    postgres::Connection other(lab.database.url());
    const auto store = inventory::make_inventory_store(other);
    std::optional<postgres::Transaction> open(std::in_place, other);
    const std::vector<std::string_view> keys{"key-0001"}, products{"A"};
    store->claim(keys);
    store->lock_stock(products);  // as a request under way does

    CHECK(lab.a.ask_alone(adjustment("key-0001", 5)).fate == Fate::busy);
    open.reset();  // rolled back
    CHECK(lab.a.ask(adjustment("key-0001", 5)).free == 15);
}

TEST_CASE("products: a creation that loses the race is told so, and overwrites nothing") {
    Lab lab;
    std::atomic<int> created = 0;
    const auto create = [&](Instance& instance) {
        if (instance.ask(creation(10)).verdict == Verdict::CREATED) ++created;
    };
    for (int round = 0; round < 30; ++round) {
        created = 0;
        lab.database.query("DELETE FROM products");
        std::jthread other([&] { create(lab.b); });
        create(lab.a);
        other.join();
        CHECK(created == 1);
        CHECK(lab.counters() == "10 0 0");
    }
    CHECK(lab.adjusted() == 300);
}

TEST_CASE("products: of two changes of one offer the second is out of date") {
    Lab lab;
    lab.a.ask(creation(10));
    const std::string tag = inventory::offer_tag({"Laptop", {1500, {}}, 0, 0, 0});
    CHECK(lab.a.ask(change(1400, tag)).verdict == Verdict::CHANGED);
    CHECK(lab.b.ask(change(1300, tag)).verdict == Verdict::CONDITION_FAILED);

    for (std::int64_t price = 1'000; price < 1'030; ++price) {
        const auto row = lab.database.number("SELECT price FROM products");
        const auto revision = lab.database.number("SELECT revision FROM products");
        const std::string now = inventory::offer_tag({"Laptop", {row, {}}, 0, 0, 0, revision});
        std::atomic<int> changed = 0;
        const auto set = [&](Instance& instance, std::int64_t to) {
            if (instance.ask(change(to, now)).verdict == Verdict::CHANGED) ++changed;
        };
        std::jthread other([&] { set(lab.b, price + 500); });
        set(lab.a, price);
        other.join();
        CHECK(changed == 1);
    }
}

TEST_CASE("products: adjustments, changes and sales at the same time add up exactly") {
    Lab lab;
    constexpr std::int64_t kStock = 10'000;
    constexpr int kRounds = 40;
    lab.a.ask(creation(kStock));
    const Subject& inventory = subject(Service::inventory);
    std::vector<Story> stories(kRounds);
    std::int64_t sold = 0;
    for (Story& story : stories) {
        story.order.items = {{"A", "Laptop", 1500, 2}};
        story.order.total = 3000;
        sold += 2;
    }
    std::atomic<int> answered = 0;
    // Each process sends every key, so that most are asked for at the same time by both.
    const auto adjust = [&](Instance& instance, unsigned seed) {
        std::mt19937 random(seed);
        for (int i = 0; i < kRounds; ++i) {
            const std::int64_t pieces = i % 2 ? 3 : -2;
            ProductAnswer answer;
            do {
                std::this_thread::sleep_for(std::chrono::microseconds{random() % 2000});
                answer = instance
                             .ask({adjustment("key-" + std::to_string(1'000 + i), pieces),
                                   change(1500 + i, "old")})
                             .at(0);
            } while (answer.fate == Fate::busy);
            if (answer.outcome.verdict == Verdict::ADJUSTED) ++answered;
        }
    };
    {
        std::jthread first([&] { adjust(lab.a, 1); });
        std::jthread second([&] { adjust(lab.b, 2); });
        postgres::Connection connection(lab.database.url());
        for (const Story& story : stories) {
            run_one_batch(inventory, connection, records_of({{events::Event{story.placed()}}}));
            run_one_batch(inventory, connection, records_of({{events::Event{story.completed()}}}));
        }
    }
    const std::int64_t all = kStock + kRounds / 2;
    CHECK(answered == 2 * kRounds);
    CHECK(lab.counters() == std::to_string(all - sold) + " 0 " + std::to_string(sold));
    CHECK(lab.adjusted() == all);
    CHECK(lab.database.number("SELECT count(*) FROM adjustments") == kRounds);
}

}  // namespace orderflow::test
