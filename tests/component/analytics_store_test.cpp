// What analytics counts beside its rows agrees with them: customers by the minute, open orders by
// the second, however batches of several consumers fall; and the open ones are found by it.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "analytics/timeline/figures_store.hpp"
#include "analytics/timeline/timeline_store.hpp"
#include "analytics/timeline/open_orders.hpp"
#include "component/subjects.hpp"

namespace orderflow::test {
namespace {

using namespace analytics;
using namespace std::chrono_literals;
using events::Service;

// Minutes in which the counts are not what the customers' rows say.
constexpr char kWrongMinutes[] = R"(
    SELECT count(*) FROM (
        SELECT minute, sum(first) AS first_orders, sum(last) AS last_orders
        FROM (SELECT date_trunc('minute', first_order_at), 1, 0 FROM customers
              UNION ALL SELECT last_order_minute, 0, 1 FROM customers) AS v(minute, first, last)
        GROUP BY minute) AS told
    FULL JOIN customer_minutes m USING (minute)
    WHERE (coalesce(told.first_orders, 0), coalesce(told.last_orders, 0))
          IS DISTINCT FROM (coalesce(m.first_orders, 0), coalesce(m.last_orders, 0)))";

Instant minute_of(Instant time) { return std::chrono::floor<std::chrono::minutes>(time); }

struct Lab {
    // One order of each, as a batch of its own would count them.
    static void add(postgres::Connection& on, const std::map<std::string, Instant>& placed) {
        Tally tally;
        for (const auto& [customer, time] : placed) {
            tally.add("placed", 1);
            tally.customers[customer] = {time, minute_of(time)};
        }
        postgres::Transaction transaction(on);
        make_timeline_store(on)->add(tally);
        transaction.commit();
    }
    void take(const std::vector<events::Event>& list) {
        run_one_batch(subject(Service::analytics), connection, records_of(list));
    }
    std::vector<OrderId> longest() {
        search.step(*source, system_now());
        std::vector<OrderId> ids;
        for (const OpenOrder& order : search.longest(200)) ids.push_back(order.order_id);
        return ids;
    }

    TestDatabase database{Service::analytics, subject(Service::analytics).migrations};
    postgres::Connection connection{database.url()};
    const std::unique_ptr<OpenOrderSource> source = make_open_order_source(connection);
    OpenOrderSearch search;
};

Story placed_ago(std::chrono::seconds age) {
    Story story;
    story.id = IdSource().next<OrderId>(system_now() - age);
    return story;
}

}  // namespace

TEST_CASE("analytics: customers' counts are what their rows say, though two count at once") {
    Lab lab;
    const auto consumer = [&](unsigned seed) {
        postgres::Connection connection(lab.database.url());
        std::mt19937 random(seed);
        for (int batch = 0; batch < 150; ++batch) {
            std::map<std::string, Instant> placed;
            for (int i = 0; i < 4; ++i) {
                const auto time = kPlacedAt + 1s * (random() % 3'600);
                placed["CUST-" + std::to_string(random() % 12)] = time;
            }
            Lab::add(connection, placed);
        }
    };
    { std::jthread one(consumer, 1), other(consumer, 2); }
    CHECK(lab.database.number("SELECT sum(last_orders) FROM customer_minutes") == 12);
    CHECK(lab.database.number("SELECT sum(first_orders) FROM customer_minutes") == 12);
    CHECK(lab.database.number(kWrongMinutes) == 0);
}

TEST_CASE("analytics: who ordered within a day is active, who did so for the first time is new") {
    Lab lab;
    const Instant now = system_now();
    lab.add(lab.connection, {{"gone", now - 25h}, {"back", now - 25h}, {"new", now - 23h}});
    lab.add(lab.connection, {{"back", now - 1h}});
    lab.add(lab.connection, {{"new", now}});
    Figures figures = read_figures(lab.connection);
    CHECK(figures.active_customers == 2);
    CHECK(figures.new_customers == 1);
    // An order that was placed earlier and is heard of only now.
    lab.add(lab.connection, {{"new", now - 26h}});
    figures = read_figures(lab.connection);
    CHECK(figures.active_customers == 2);
    CHECK(figures.new_customers == 0);
    CHECK(lab.database.number(kWrongMinutes) == 0);
}

TEST_CASE("analytics: open orders are found by the counts of their seconds") {
    Lab lab;
    const Story old = placed_ago(30h), ended = placed_ago(30h), young = placed_ago(60s),
                lost = placed_ago(20h);
    lab.take({old.placed(), ended.placed(), young.placed(), young.reserved()});
    lab.take({ended.completed(), lost.reserved()});  // its beginning was never seen
    CHECK(lab.database.number("SELECT sum(open) FROM open_seconds") == 2);
    // Both were placed at the same time, by their events; only one has moved since.
    CHECK(lab.longest().size() == 2);
    CHECK(lab.source->scan_second(second_of(old.id)) == std::vector{old.id});
    CHECK(lab.source->scan_second(second_of(lost.id)).empty());

    lab.take({old.cancelled()});
    CHECK(lab.longest() == std::vector{young.id});
    // Seconds in which nothing is open any more are taken away, no others.
    lab.source->tidy(second_of(young.id) + 1);
    CHECK(lab.database.number("SELECT count(*) FROM open_seconds") == 1);
    CHECK(lab.database.number("SELECT open FROM open_seconds") == 1);
}

// A consumer that was behind gets batches of 8,192; one that takes longer than a statement may is
// never over.
TEST_CASE("analytics: in a full batch a record costs what it costs in a small one") {
    Lab lab;
    const auto cost_of_a_record = [&](std::size_t records, int times) {
        std::chrono::duration<double> best{1e9};
        for (int i = 0; i < times; ++i) {
            std::vector<events::Event> placed, reserved;
            for (std::size_t n = 0; n < records; ++n) {
                const Story story = placed_ago(60s);
                placed.push_back(story.placed());
                reserved.push_back(story.reserved());
            }
            lab.take(placed);
            const auto begun = std::chrono::steady_clock::now();
            lab.take(reserved);
            best = std::min<std::chrono::duration<double>>(
                best, std::chrono::steady_clock::now() - begun);
        }
        return best.count() / static_cast<double>(records);
    };
    // After five executions the server keeps one plan for all.
    const double small = cost_of_a_record(512, 8);
    const double full = cost_of_a_record(8'192, 2);
    CHECK(full < 3 * small);
    CHECK(lab.database.number("SELECT count(*) FROM timelines WHERE version = 2") == 20'480);
}

TEST_CASE("analytics: a client's trace context stays with its order, beside an old program") {
    // Given two orders, one of which came with a trace context, and an instance of the release
    // before the column, which saves what it knows: more of these two, and an order of its own
    Lab lab;
    const std::string traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const std::string another = "00-" + std::string(32, '1') + "-" + std::string(16, '1') + "-01";
    const Story traced = placed_ago(60s), plain = placed_ago(60s), old = placed_ago(60s);
    const auto take = [&](const events::Event& event, const std::string& context) {
        run_one_batch(subject(Service::analytics), lab.connection,
                      records_of(std::vector{message_of(event, new_id<EventId>(), context)}));
    };
    take(traced.placed(), traceparent);
    take(plain.placed(), "");
    lab.database.query(
        "UPDATE timelines SET version = version + 1, stock_reserved_at = now(),"
        " stock_reserved_pos = 7");
    lab.database.query(
        "INSERT INTO timelines (order_id, version, order_placed_at,"
        " order_placed_pos) VALUES ('" +
        old.id.to_string() + "', 1, now(), 8)");
    // When the new program goes on with all of them, by records of another context
    for (const Story& story : {traced, plain, old}) take(story.captured(), another);
    // Then each has the context that it was placed with
    std::map<OrderId, Timeline> timelines;
    for (auto& [id, timeline] :
         find_timelines(lab.connection, std::vector{traced.id, plain.id, old.id})) {
        timelines[id] = timeline;
    }
    REQUIRE(timelines.size() == 3);
    CHECK(timelines[traced.id].traceparent == traceparent);
    CHECK(timelines[plain.id].traceparent.empty());
    CHECK(timelines[old.id].traceparent.empty());
    for (const auto& [id, timeline] : timelines) CHECK(timeline[Slot::payment_captured]);
}

TEST_CASE("analytics: tidying does not wait for a batch") {
    Lab lab;
    const Story one = placed_ago(60s);
    lab.take({one.placed()});
    lab.take({one.completed()});
    REQUIRE(lab.database.number("SELECT count(*) FROM open_seconds WHERE open = 0") == 1);
    postgres::Connection batch(lab.database.url());
    {
        postgres::Transaction transaction(batch);
        batch.script("UPDATE open_seconds SET open = 1");
        lab.source->tidy(second_of(one.id) + 1);
        transaction.commit();
    }
    CHECK(lab.database.number("SELECT open FROM open_seconds") == 1);
}

}  // namespace orderflow::test
