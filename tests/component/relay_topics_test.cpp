// The relay's lanes on a real Kafka whose topics are deleted, made anew, or refuse what is sent.
// They are everybody's topics, so these tests run alone.

#include <map>
#include <set>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "component/subjects.hpp"
#include "loops/relay_loop.hpp"
#include "outbox/relay_feed.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/metrics.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using events::Service;
using Arrivals = std::vector<TopicReader::Arrival>;

constexpr const char* kSaga = "order-events";
constexpr const char* kDeaths = "dead-letter-queue";

// A relay of order-service over a database of its own.
struct Lab {
    const Subject& order = subject(Service::order);
    TestDatabase database{order.service, order.migrations};
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    StartSteps steps;
    loops::RelayLoop relay{{Service::order, database.url(), fresh_kafka(), registry, relay_feed,
                            nullptr, nullptr, &steps}};

    bool is_warm() const {
        const auto counts = steps.counts();
        return counts.contains("relay") && counts.at("relay") == 0;
    }

    // Events, or announcements, with so many bytes of data each, which compression leaves as they
    // are; keys tell them from other tests'.
    void append(const std::string& topic, int rows, int bytes = 20) {
        database.query(
            "INSERT INTO outbox (event_id, topic, key, type, headers, data, recorded_at)"
            " SELECT gen_random_uuid(), '" +
            topic + "', gen_random_uuid(), '" +
            (topic == kSaga ? "OrderPlaced.v1" : "RecordDied.v1") +
            "', '{}', left((SELECT string_agg(md5(n::text), '')"
            " FROM generate_series(1, 2000) n), " +
            std::to_string(bytes) + "), now() FROM generate_series(1, " + std::to_string(rows) +
            ")");
        relay_feed.signal();
    }
    std::vector<std::string> ids(const std::string& topic) {
        return database.query("SELECT event_id FROM outbox WHERE topic = '" + topic +
                              "' ORDER BY seq");
    }
    std::int64_t behind(const std::string& lane) {
        const std::string topic = lane == "saga" ? "" : " WHERE topic = '" + lane + "'";
        return database.number(
            "SELECT coalesce(max(seq), 0) - coalesce((SELECT seq FROM"
            " relay_checkpoint WHERE lane = '" +
            lane + "'), 0) FROM outbox" + topic);
    }
    bool sent(const std::string& lane, std::chrono::milliseconds patience = 20s) {
        return eventually(patience, [&] { return behind(lane) == 0; });
    }
    double count(const char* metric, const std::string& label) {
        return labelled(registry, std::string("orderflow_relay_") + metric, label);
    }
    std::string refusal(const std::string& lane) {
        return database
            .query(
                "SELECT coalesce(max(concat_ws(' ', refused_why, refused_seq)"
                " COLLATE \"C\") FILTER (WHERE refused_at IS NOT NULL), '')"
                " FROM relay_checkpoint WHERE lane = '" +
                lane + "'")
            .at(0);
    }
};

// How often each of these events arrived, once all of them have.
std::map<std::string, int> arrivals(TopicReader& reader, const std::vector<std::string>& ids) {
    std::map<std::string, int> times;
    for (const auto& id : ids) times[id] = 0;
    std::size_t looked_at = 0;
    std::size_t missing = ids.size();
    reader.read_until([&](const Arrivals& all) {
        for (; looked_at < all.size(); ++looked_at) {
            const auto found = times.find(all[looked_at].event_id);
            if (found != times.end() && found->second++ == 0) --missing;
        }
        return missing == 0;
    });
    CHECK(missing == 0);
    return times;
}

void check_once(TopicReader& reader, const std::vector<std::string>& ids) {
    int doubles = 0;
    for (const auto& [id, times] : arrivals(reader, ids)) doubles += times - 1;
    CHECK(doubles == 0);
}

TopicReader from_beginning(const std::string& topic) {
    Offsets from = ends_of({topic});
    for (auto& [where, offset] : from) offset = 0;
    return TopicReader(from);
}

}  // namespace

TEST_CASE("relay: its first event leaves at once when it is warm") {
    Lab lab;
    TopicReader reader(kSaga);
    REQUIRE(eventually(20s, [&] { return lab.is_warm(); }));
    lab.append(kSaga, 1);
    const auto appended = std::chrono::steady_clock::now();
    CHECK(eventually(5s, [&] { return lab.count("seq", "confirmed") == 1; }));
    CHECK(std::chrono::steady_clock::now() - appended < 500ms);
    check_once(reader, lab.ids(kSaga));
}

TEST_CASE(
    "relay: a topic of announcements that was deleted holds up no order, and gets what it "
    "missed when it is there again",
    "[alone]") {
    Lab lab;
    TopicReader reader(kSaga);
    const bool open = GENERATE(true, false);  // its lane, as the topic is deleted
    if (open) {
        lab.append(kDeaths, 1);
        REQUIRE(lab.sent(kDeaths));
    }
    delete_topic(kDeaths);
    for (int i = 0; i < 60; ++i) {
        lab.append(kDeaths, 100);
        lab.append(kSaga, 20);
    }

    CHECK(lab.sent("saga", 10s));
    CHECK(eventually(10s, [&] { return lab.refusal(kDeaths) == "gone 0"; }));
    create_topic(kDeaths);
    CHECK(lab.sent(kDeaths, 45s));
    check_once(reader, lab.ids(kSaga));
    CHECK(counter(lab.registry, "orderflow_relay_restarts_total") == 0);
    auto deaths = from_beginning(kDeaths);
    auto ids = lab.ids(kDeaths);
    if (open) ids.erase(ids.begin());  // it went with the topic
    arrivals(deaths, ids);
    if (open) CHECK(lab.count("topics_remade_total", kDeaths) == 1);
}

TEST_CASE("relay: an announcement that its topic will never take is passed over", "[alone]") {
    Lab lab;
    TopicReader reader(kSaga);
    TopicReader deaths(kDeaths);
    set_max_message_bytes(kDeaths, 2'000);
    lab.append(kDeaths, 10, 500);
    const auto first = lab.ids(kDeaths);
    lab.append(kDeaths, 3, 5'000);
    lab.append(kSaga, 100);
    lab.append(kDeaths, 10, 500);
    auto ids = lab.ids(kDeaths);
    ids.erase(ids.begin() + 10, ids.begin() + 13);

    CHECK(lab.sent("saga", 10s));
    CHECK(lab.sent(kDeaths, 30s));
    set_max_message_bytes(kDeaths, 327'680);
    arrivals(deaths, ids);
    check_once(reader, lab.ids(kSaga));
    CHECK(lab.count("skipped_total", kDeaths) == 3);
    CHECK(lab.database.number("SELECT skipped FROM audit_v1_relay_lanes WHERE lane = '" +
                              std::string(kDeaths) + "'") == 3);
    CHECK(counter(lab.registry, "orderflow_relay_restarts_total") == 0);
}

TEST_CASE("relay: a saga topic that takes only small batches gets them", "[alone]") {
    Lab lab;
    TopicReader reader(kSaga);
    set_max_message_bytes(kSaga, 2'000);
    // They compress well: only incompressible ones make a batch too large.
    lab.database.query(
        "INSERT INTO outbox (event_id, topic, key, type, headers, data, recorded_at)"
        " SELECT gen_random_uuid(), 'order-events', 'one key', 'OrderPlaced.v1', '{}',"
        "        (SELECT string_agg(md5(random()::text || i || j), '')"
        "         FROM generate_series(1, 20) AS j), now()"
        " FROM generate_series(1, 500) AS i");

    CHECK(lab.sent("saga", 30s));
    set_max_message_bytes(kSaga, 327'680);
    const auto ids = lab.ids(kSaga);
    arrivals(reader, ids);
    std::vector<std::string> firsts;
    std::set<std::string> seen;
    const std::set<std::string> ours(ids.begin(), ids.end());
    for (const auto& arrival : reader.read_until([](const Arrivals&) { return true; })) {
        const bool is_new = ours.contains(arrival.event_id) && seen.insert(arrival.event_id).second;
        if (is_new) firsts.push_back(arrival.event_id);
    }
    CHECK(firsts == ids);
    CHECK(lab.refusal("saga").empty());
}

TEST_CASE(
    "relay: an event of the saga that its topic refuses is tried again alone, and never "
    "passed over",
    "[alone]") {
    Lab lab;
    TopicReader reader(kSaga);
    set_max_message_bytes(kSaga, 2'000);
    lab.append(kSaga, 5);
    lab.append(kSaga, 1, 5'000);
    lab.database.query(
        "UPDATE outbox SET data = (SELECT string_agg(md5(random()::text || i), '')"
        " FROM generate_series(1, 150) AS i) WHERE seq = 6");
    lab.append(kSaga, 200);

    // Refused with its batch, then by itself, and again.
    CHECK(eventually(30s, [&] { return lab.count("refusals_total", "too_large") >= 3; }));
    CHECK(lab.database.number("SELECT seq FROM relay_checkpoint WHERE lane = 'saga'") == 5);
    CHECK(lab.refusal("saga") == "too_large 6");
    set_max_message_bytes(kSaga, 327'680);
    CHECK(lab.sent("saga", 40s));
    CHECK(lab.refusal("saga").empty());
    // With the first two tries, which were not yet one event at a time, and when it was taken.
    for (const auto& [id, times] : arrivals(reader, lab.ids(kSaga))) CHECK(times <= 3);
}

TEST_CASE("relay: the saga's topic is made anew, and all of the outbox is sent again", "[alone]") {
    Lab lab;
    lab.append(kSaga, 2'000);
    REQUIRE(lab.sent("saga"));
    delete_topic(kSaga);
    const bool soon = GENERATE(true, false);
    if (soon) create_topic(kSaga);
    lab.append(kSaga, 20);
    if (!soon) {
        CHECK(eventually(15s, [&] { return lab.refusal("saga") == "gone 0"; }));
        create_topic(kSaga);
    }

    CHECK(eventually(45s, [&] { return lab.count("topics_remade_total", kSaga) == 1; }));
    const auto remade = std::chrono::steady_clock::now();
    CHECK(lab.sent("saga"));
    CHECK(std::chrono::steady_clock::now() - remade < 15s);  // not one event after the other
    auto reader = from_beginning(kSaga);
    arrivals(reader, lab.ids(kSaga));
    CHECK(lab.database.number("SELECT count(*) FROM audit_v1_relay_lanes"
                              " WHERE lane = 'saga' AND remade_at IS NOT NULL") == 1);
    lab.append(kSaga, 20);
    CHECK(lab.sent("saga"));
    CHECK(lab.count("topics_remade_total", kSaga) == 1);
}

}  // namespace orderflow::test
