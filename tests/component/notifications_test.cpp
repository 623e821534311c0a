// What clients hear of their orders: every step once, in order, wherever it was handled, and after
// whatever was lost on the way.

#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <prometheus/counter.h>
#include <rapidjson/document.h>

#include "component/subjects.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "order/notices/order_changes.hpp"
#include "order/saga/saga_commands.hpp"
#include "outbox/relay_feed.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/commands.hpp"
#include "support/eventually.hpp"
#include "support/memory_keys.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using events::Event;
using events::Service;

class FakeSocket final : public http::WebSocket {
public:
    void send(std::shared_ptr<const std::string> text) override {
        rapidjson::Document frame;
        frame.Parse(text->c_str());
        std::string& words = heard.emplace_back(frame["type"].GetString());
        if (frame.HasMember("seq")) words += " " + std::to_string(frame["seq"].GetInt());
        for (const char* member : {"step", "code"}) {
            if (frame.HasMember(member)) words += std::string(" ") + frame[member].GetString();
        }
        if (frame.HasMember("epoch")) epoch = frame["epoch"].GetString();
    }
    void close(std::uint16_t code, std::string_view) override { closed = code; }

    std::vector<std::string> heard;
    std::string epoch;
    std::uint16_t closed = 0;
};

// One instance of the order service, as far as its sockets are concerned.
struct Instance {
    explicit Instance(const std::string& url, std::size_t at_most = 1'000)
        : pool(url, 1, 100),
          hub(std::make_shared<order::Notifications>(io, pool, &order::read_sagas, failures,
                                                     at_most)),
          listener(url, io, *hub, failures) {}
    ~Instance() {
        listener.stop();
        clients.clear();
    }

    // A client that sends these.
    FakeSocket& connect(const std::vector<std::string>& texts) {
        FakeSocket& socket = *sockets.emplace_back(std::make_unique<FakeSocket>());
        clients.push_back(hub->open(socket));
        for (const std::string& text : texts) clients.back()->received(text);
        return socket;
    }
    template <class Predicate>
    bool until(Predicate predicate) {
        return eventually(10s, [&] {
            io.restart();
            io.run_for(5ms);
            return predicate();
        });
    }
    bool hears(FakeSocket& socket, const std::vector<std::string>& texts) {
        const bool heard = until([&] { return socket.heard.size() >= texts.size(); });
        CHECK(socket.heard == texts);
        return heard;
    }

    prometheus::Counter failures;
    boost::asio::io_context io;
    postgres::Pool pool;
    std::shared_ptr<order::Notifications> hub;
    std::vector<std::unique_ptr<FakeSocket>> sockets;
    std::vector<std::unique_ptr<http::WebSocketSession>> clients;
    order::ChangeListener listener;
};

std::string subscribe(const Story& story, const std::string& more = {}) {
    return R"({"subscribe":"/topic/order/)" + story.id.to_string() + "\"" + more + "}";
}

struct Lab {
    void place(const Story& story) {
        outbox::RelayFeed relay_feed;
        outbox::PostgresUnitOfWork work(connection, Service::order, relay_feed);
        std::vector<order::Placement> batch{{story.id, story.order, "", ""}};
        carry_out(
            work,
            order::place_orders(order::make_saga_store(connection), std::make_shared<MemoryKeys>()),
            batch);
    }
    // Handled by another instance: on another connection than the listener's.
    void handle(const Event& event) {
        run_one_batch(subject(Service::order), connection, records_of({{event}}));
    }

    TestDatabase database{Service::order, subject(Service::order).migrations};
    postgres::Connection connection{database.url()};
    Instance instance{database.url()};
};

}  // namespace

TEST_CASE("notifications: a client hears each step of its order once, in order") {
    Lab lab;
    const Story story, other;
    lab.place(story);
    lab.place(other);
    FakeSocket& client = lab.instance.connect({subscribe(story)});
    lab.instance.hears(client, {"SUBSCRIBED 1", "ORDER_STATUS 1 OrderPlaced"});

    lab.handle(other.reserved());
    lab.handle(story.reserved());
    lab.handle(story.captured());
    lab.handle(story.captured());
    lab.handle(story.scheduled());

    lab.instance.hears(
        client, {"SUBSCRIBED 1", "ORDER_STATUS 1 OrderPlaced", "ORDER_STATUS 2 StockReserved",
                 "ORDER_STATUS 3 PaymentCaptured", "ORDER_COMPLETED 4 OrderCompleted"});
}

TEST_CASE("notifications: who comes back gets what it has missed, and nothing twice") {
    Lab lab;
    const Story story;
    lab.place(story);
    lab.handle(story.reserved());
    lab.handle(story.declined());
    FakeSocket& first = lab.instance.connect({subscribe(story)});
    REQUIRE(lab.instance.until([&] { return first.heard.size() == 4; }));
    lab.instance.clients.clear();
    lab.handle(story.nothing(events::Participant::payment));

    const std::string epoch = R"(,"epoch":")" + first.epoch + "\"";
    FakeSocket& resumed = lab.instance.connect({subscribe(story, R"(,"since":3)" + epoch)});
    lab.instance.hears(resumed, {"SUBSCRIBED 4", "ORDER_STATUS 4 NothingToCompensate"});
    lab.handle(story.released());
    lab.handle(story.nothing(events::Participant::shipping));
    lab.instance.hears(
        resumed,
        {"SUBSCRIBED 4", "ORDER_STATUS 4 NothingToCompensate", "ORDER_STATUS 5 StockReleased",
         "ORDER_STATUS 6 NothingToCompensate", "ORDER_CANCELLED 7 OrderCancelled"});

    FakeSocket& ahead = lab.instance.connect({subscribe(story, R"(,"since":7)" + epoch)});
    lab.instance.hears(ahead, {"SUBSCRIBED 7"});
    FakeSocket& foreign =
        lab.instance.connect({subscribe(story, R"(,"since":7,"epoch":"another")")});
    REQUIRE(lab.instance.until([&] { return foreign.heard.size() == 8; }));
    CHECK(foreign.heard[1] == "ORDER_STATUS 1 OrderPlaced");
}

TEST_CASE("notifications: who comes while an older read is under way is not told what it knows") {
    Lab lab;
    const Story story;
    lab.place(story);
    FakeSocket& first = lab.instance.connect({subscribe(story)});
    REQUIRE(lab.instance.until([&] { return first.heard.size() == 2; }));
    const std::string known = R"(,"since":2,"epoch":")" + first.epoch + "\"";

    const auto begun = lab.database.query("SELECT clock_timestamp()").at(0);
    lab.instance.clients.back()->received(subscribe(story));
    lab.instance.io.restart();
    lab.instance.io.poll();  // the read begins; its answer waits for this thread
    CHECK(eventually(5s, [&] {
        return lab.database.number(
                   "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle'"
                   " AND datname = current_database() AND query LIKE"
                   " 'SELECT order_id, version%' AND state_change > '" +
                   begun + "'") == 1;
    }));
    lab.handle(story.reserved());
    FakeSocket& second = lab.instance.connect({subscribe(story, known)});

    REQUIRE(lab.instance.until([&] { return !second.heard.empty(); }));
    lab.handle(story.captured());
    lab.instance.hears(second, {"SUBSCRIBED 2", "ORDER_STATUS 3 PaymentCaptured"});
}

TEST_CASE("notifications: what was committed while the database could not be heard comes after") {
    Lab lab;
    const Story story;
    lab.place(story);
    FakeSocket& client = lab.instance.connect({subscribe(story)});
    REQUIRE(lab.instance.until([&] { return client.heard.size() == 2; }));

    lab.database.cut_connections();
    lab.connection.reset();
    lab.handle(story.reserved());
    lab.handle(story.captured());

    lab.instance.hears(client, {"SUBSCRIBED 1", "ORDER_STATUS 1 OrderPlaced",
                                "ORDER_STATUS 2 StockReserved", "ORDER_STATUS 3 PaymentCaptured"});
}

TEST_CASE("notifications: an order that has ended is told of and then let go") {
    Lab lab;
    Instance small(lab.database.url(), 1);
    const Story ends, next;
    lab.place(ends);
    lab.place(next);
    FakeSocket& client = small.connect({subscribe(ends)});
    CHECK(small.until([&] { return client.heard.size() == 2; }));
    small.clients.back()->received(subscribe(next));
    CHECK(client.heard.back() == "ERROR too-many-subscriptions");
    lab.handle(ends.scheduled());
    CHECK(small.until([&] { return client.heard.back() == "ORDER_COMPLETED 4 OrderCompleted"; }));
    small.clients.back()->received(subscribe(next));
    CHECK(small.until([&] { return client.heard.back() == "ORDER_STATUS 1 OrderPlaced"; }));
}

TEST_CASE("notifications: a row that cannot be read holds up no other") {
    Lab lab;
    std::vector<Story> stories(7);
    for (const Story& story : stories) lab.place(story);
    lab.database.query("UPDATE orders SET state = 'FROM_THE_FUTURE' WHERE order_id = '" +
                       stories[3].id.to_string() + "'");
    FakeSocket& client = lab.instance.connect({});
    for (const Story& story : stories) lab.instance.clients.back()->received(subscribe(story));
    CHECK(lab.instance.until([&] { return client.heard.size() == 12; }));
    CHECK(lab.instance.failures.Value() > 0);
    lab.handle(stories[0].reserved());
    CHECK(lab.instance.until([&] { return client.heard.size() == 13; }));
    CHECK(client.heard.back() == "ORDER_STATUS 2 StockReserved");
}

TEST_CASE("notifications: a row that was lost and made again counts anew for who listens") {
    Lab lab;
    const Story story;
    lab.place(story);
    FakeSocket& client = lab.instance.connect({subscribe(story)});
    CHECK(lab.instance.until([&] { return client.heard.size() == 2; }));
    const std::string before = client.epoch;
    lab.database.query("DELETE FROM orders");
    lab.handle(story.reserved());
    lab.instance.hears(client, {"SUBSCRIBED 1", "ORDER_STATUS 1 OrderPlaced",
                                "ORDER_STATUS 1 OrderPlaced", "ORDER_STATUS 2 StockReserved"});
    CHECK(client.epoch != before);
}

TEST_CASE("notifications: requests that cannot be served are named, and the fifth ends it") {
    Lab lab;
    const Story unknown;
    FakeSocket& client = lab.instance.connect({subscribe(unknown)});
    lab.instance.hears(client, {"ERROR not-found"});
    for (const char* text : {"{", R"({"shout":"x"})", R"({"subscribe":"/topic/weather"})"}) {
        lab.instance.clients.back()->received(text);
    }
    lab.instance.hears(client, {"ERROR not-found", "ERROR json-syntax", "ERROR unknown-command",
                                "ERROR not-found"});
    CHECK(client.closed == 0);
    lab.instance.clients.back()->received(subscribe(unknown, R"(,"since":-1)"));
    CHECK(client.heard.back() == "ERROR validation");
    CHECK(client.closed == 1008);
}

TEST_CASE("notifications: 200 orders on one socket, and no more; one that is left makes room") {
    Lab lab;
    std::vector<Story> stories(201);
    FakeSocket& client = lab.instance.connect({});
    auto& session = *lab.instance.clients.back();
    for (const Story& story : stories) lab.place(story);
    for (const Story& story : stories) session.received(subscribe(story));
    CHECK(client.heard == std::vector<std::string>{"ERROR too-many-subscriptions"});
    REQUIRE(lab.instance.until([&] { return client.heard.size() == 401; }));

    session.received(R"({"unsubscribe":"/topic/order/)" + stories[0].id.to_string() + "\"}");
    session.received(subscribe(stories[200]));
    CHECK(lab.instance.until([&] { return client.heard.size() == 403; }));
    lab.handle(stories[0].reserved());
    lab.handle(stories[200].reserved());
    CHECK(lab.instance.until([&] { return client.heard.size() == 404; }));
    CHECK(client.heard.back() == "ORDER_STATUS 2 StockReserved");
}

TEST_CASE("notifications: so many orders on all sockets together; one that is left makes room") {
    Lab lab;
    Instance small(lab.database.url(), 2);
    std::vector<Story> stories(3);
    for (const Story& story : stories) lab.place(story);
    small.connect({subscribe(stories[0])});
    small.connect({subscribe(stories[1])});
    FakeSocket& late = small.connect({subscribe(stories[2])});
    small.hears(late, {"ERROR too-many-subscriptions"});
    small.clients.erase(small.clients.begin());
    for (int i = 0; i < 4; ++i) small.clients.back()->received(subscribe(stories[2]));
    CHECK(small.until([&] { return late.heard.size() == 3; }));
    CHECK(late.heard.back() == "ORDER_STATUS 1 OrderPlaced");
    CHECK(late.closed == 0);
}

TEST_CASE("notifications: a client that leaves while its order is read is missed by nobody") {
    Lab lab;
    const Story story;
    lab.place(story);
    for (int i = 0; i < 20; ++i) {
        lab.instance.connect({subscribe(story)});
        if (i % 2) lab.instance.io.poll();
        lab.instance.clients.clear();
    }
    FakeSocket& stays = lab.instance.connect({subscribe(story)});
    CHECK(lab.instance.until([&] { return stays.heard.size() == 2; }));
}

}  // namespace orderflow::test
