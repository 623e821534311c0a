// Which orders may be judged by the clock, on a clock of the test's own; where Kafka puts a key.

#include <climits>

#include <catch2/catch_test_macros.hpp>

#include "kafka/caught_up.hpp"
#include "kafka/positions.hpp"
#include "kafka/topic_layout.hpp"

namespace orderflow::kafka {
namespace {

using namespace std::chrono_literals;

const CaughtUp::Clock::time_point kStart{1'000s};
const std::vector<std::string> kTopics{"order-events", "stock-events", "payment-events"};
const std::vector<std::string> kConsumed{"stock-events", "payment-events"};

// Brokers and a group that is done with everything, unless a test says otherwise.
struct World {
    explicit World(std::chrono::milliseconds at_least = 60s)
        : caught_up(kTopics, kConsumed, at_least, 6) {}

    CaughtUp caught_up;
    std::map<std::string, int> partitions{
        {"order-events", 6}, {"stock-events", 6}, {"payment-events", 6}};
    std::map<std::pair<std::string, int>, std::int64_t> behind;  // records not committed
    std::map<std::string, std::string> ids;
    std::pair<std::string, int> unassigned{"", 0};
    std::pair<std::string, int> unknown{"", 0};
    std::int64_t end = 100;

    GroupPositions positions() const {
        GroupPositions all;
        for (const auto& [topic, count] : partitions) {
            const std::string id = ids.contains(topic) ? ids.at(topic) : topic + " 1";
            all.topics[topic] = {id, count};
            for (int i = 0; i < count; ++i) {
                if (unknown == std::pair(topic, i)) continue;
                PartitionPosition at;
                at.topic = topic;
                at.partition = i;
                at.log = id;
                at.end = at.readable_end = end;
                const auto late = behind.find({topic, i});
                at.committed = end - (late == behind.end() ? 0 : late->second);
                at.committed_log = id;
                at.assigned = topic != "order-events" && unassigned != std::pair(topic, i);
                all.partitions.push_back(at);
            }
        }
        return all;
    }
    void look(CaughtUp::Clock::duration from, CaughtUp::Clock::duration to) {
        for (auto at = from; at <= to; at += 1s) caught_up.seen(positions(), kStart + at);
    }
    bool may_judge(const std::string& key, CaughtUp::Clock::duration at) const {
        return caught_up.may_judge(key, kStart + at);
    }
};

// A key whose partition is this one.
std::string key_at(int partition, int of, int and_at = -1, int and_of = 1) {
    for (int i = 0;; ++i) {
        std::string key = "key " + std::to_string(i);
        const bool second = and_at < 0 || partition_of(key, and_of) == and_at;
        if (partition_of(key, of) == partition && second) return key;
    }
}

}  // namespace

TEST_CASE("caught up: a key may be judged once its partitions were read for the time asked for") {
    World world;
    CHECK_FALSE(world.may_judge("any", 0s));
    world.look(0s, 60s);
    CHECK_FALSE(world.may_judge("any", 60s));  // the first look has none before it to compare with
    world.look(61s, 61s);
    CHECK(world.may_judge("any", 61s));
}

TEST_CASE("caught up: lag in its partition of any topic spares a key, and no other") {
    World world;
    world.look(0s, 61s);
    world.behind[{"payment-events", 2}] = 1;
    world.look(62s, 62s);
    CHECK_FALSE(world.may_judge(key_at(2, 6), 62s));
    CHECK(world.may_judge(key_at(3, 6), 62s));

    world.behind.clear();
    world.look(63s, 122s);
    CHECK_FALSE(world.may_judge(key_at(2, 6), 122s));
    world.look(123s, 123s);
    CHECK(world.may_judge(key_at(2, 6), 123s));
}

TEST_CASE("caught up: records that keep coming are no lag, as long as the group keeps up") {
    World world;
    for (auto at = 0s; at <= 61s; at += 1s) {
        world.end += 50;
        for (int i = 0; i < 6; ++i) world.behind[{"payment-events", i}] = 20;
        world.look(at, at);
    }
    CHECK(world.may_judge("any", 61s));
}

TEST_CASE(
    "caught up: brokers that are not heard for some seconds pause everything, and begin it "
    "anew") {
    World world;
    world.look(0s, 61s);
    CHECK_FALSE(world.caught_up.paused(kStart + 66s));
    CHECK(world.caught_up.paused(kStart + 67s) == CaughtUp::Pause::unknown);
    CHECK_FALSE(world.may_judge("any", 67s));
    world.look(67s, 126s);
    CHECK_FALSE(world.may_judge("any", 126s));
    world.look(127s, 127s);
    CHECK(world.may_judge("any", 127s));
}

TEST_CASE("caught up: topics that differ pause everything, whichever has how many partitions") {
    for (const std::string& topic : kTopics) {
        for (const int count : {1, 5, 7, 12}) {
            World world;
            world.look(0s, 61s);
            world.partitions[topic] = count;
            world.look(62s, 200s);
            CAPTURE(topic, count);
            CHECK(world.caught_up.paused(kStart + 200s) == CaughtUp::Pause::differ);
            CHECK_FALSE(world.may_judge("any", 200s));
        }
        World world;
        world.look(0s, 61s);
        world.partitions.erase(topic);
        world.look(62s, 62s);
        CHECK(world.caught_up.paused(kStart + 62s) == CaughtUp::Pause::differ);
        CHECK_FALSE(world.may_judge("any", 62s));
    }
}

TEST_CASE("caught up: a partition that nobody is assigned pauses everything") {
    World world;
    world.look(0s, 61s);
    world.unassigned = {"stock-events", 4};
    world.look(62s, 62s);
    CHECK(world.caught_up.paused(kStart + 62s) == CaughtUp::Pause::unassigned);
    CHECK_FALSE(world.may_judge("any", 62s));
    world.unassigned = {"", 0};
    world.look(63s, 63s);
    CHECK_FALSE(world.caught_up.paused(kStart + 63s));
    CHECK(world.may_judge("any", 63s));
}

TEST_CASE("caught up: a partition whose end nobody knows spares its keys only") {
    World world;
    world.look(0s, 61s);
    world.unknown = {"stock-events", 4};
    world.look(62s, 62s);
    CHECK_FALSE(world.may_judge(key_at(4, 6), 62s));
    CHECK(world.may_judge(key_at(1, 6), 62s));
}

TEST_CASE("caught up: where partitions were added, a key waits for those it may have had before") {
    World world;
    world.look(0s, 61s);
    for (const std::string& topic : kTopics) world.partitions[topic] = 12;
    world.behind[{"payment-events", 2}] = 1;  // of before; held up
    world.look(62s, 300s);

    CHECK_FALSE(world.caught_up.paused(kStart + 300s));
    CHECK_FALSE(world.may_judge(key_at(8, 12, 2, 6), 300s));  // was in 2 of 6
    CHECK_FALSE(world.may_judge(key_at(2, 12), 300s));
    // One that none of 6 ... 12 partitions puts there.
    std::string free;
    for (int i = 0; free.empty(); ++i) {
        const std::string key = "free " + std::to_string(i);
        bool there = false;
        for (int n = 6; n <= 12; ++n) there = there || partition_of(key, n) == 2;
        if (!there) free = key;
    }
    CHECK(world.may_judge(free, 300s));

    world.behind.clear();
    world.look(301s, 361s);
    CHECK(world.may_judge(key_at(8, 12, 2, 6), 361s));
    // Once it was read, what comes there later is of keys that are there now.
    world.behind[{"payment-events", 2}] = 1;
    world.look(362s, 400s);
    CHECK(world.may_judge(key_at(8, 12, 2, 6), 400s));
    CHECK_FALSE(world.may_judge(key_at(2, 12), 400s));
}

TEST_CASE("caught up: that a partition was caught up before others were added says nothing") {
    World world{1s};
    world.look(0s, 61s);
    for (const std::string& topic : kTopics) world.partitions[topic] = 12;
    world.look(62s, 64s);
    // By a relay that has not heard of the new partitions.
    world.behind[{"payment-events", 2}] = 1;
    world.look(65s, 90s);
    CHECK_FALSE(world.may_judge(key_at(8, 12, 2, 6), 90s));
    world.behind.clear();
    world.look(91s, 100s);
    CHECK_FALSE(world.may_judge(key_at(8, 12, 2, 6), 100s));
    world.look(101s, 102s);
    CHECK(world.may_judge(key_at(8, 12, 2, 6), 102s));
}

TEST_CASE("caught up: what was held up as the process started holds up its own keys only") {
    World world;
    world.behind[{"payment-events", 0}] = 1;
    world.look(0s, 61s);
    CHECK_FALSE(world.may_judge(key_at(0, 6), 61s));
    CHECK(world.may_judge(key_at(1, 6), 61s));

    World fewer;  // topics that an operator has made, and is seen to add to
    for (const std::string& topic : kTopics) fewer.partitions[topic] = 2;
    fewer.behind[{"payment-events", 0}] = 1;
    fewer.look(0s, 61s);
    CHECK(fewer.may_judge(key_at(1, 2), 61s));
    for (const std::string& topic : kTopics) fewer.partitions[topic] = 6;
    fewer.look(62s, 200s);
    CHECK_FALSE(fewer.may_judge(key_at(1, 6, 0, 5), 200s));  // may have been in 0 of 5
}

TEST_CASE("caught up: of a topic that was made anew nothing is known, whatever was committed") {
    World world;
    world.look(0s, 61s);
    world.ids["payment-events"] = "another";
    world.look(62s, 62s);
    CHECK_FALSE(world.may_judge("any", 62s));
    world.look(63s, 122s);
    CHECK_FALSE(world.may_judge("any", 122s));
    world.look(123s, 123s);
    CHECK(world.may_judge("any", 123s));
}

TEST_CASE("partitions: a key has had one for each number that the topic has had") {
    const std::vector<std::int32_t> homes = homes_of("key", 6, 8);
    CHECK(homes ==
          std::vector{partition_of("key", 6), partition_of("key", 7), partition_of("key", 8)});
    CHECK(homes_of("key", 6, 3) == std::vector{partition_of("key", 3)});
    CHECK(homes_of("key", 6, 0).empty());
}

// The hashes are those of Kafka's UtilsTest.testMurmur2 and of librdkafka's unittest_murmur2,
// signed as in Java. Among INT_MAX partitions the number is the hash without its sign.
TEST_CASE("partitions: a key's partition is the one that Kafka's producers choose") {
    struct Known {
        std::string_view key;
        std::int32_t hash;
    };
    const std::vector<Known> all{
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
        {"kafka", static_cast<std::int32_t>(0xd067cf64)},
        {"giberish123456789", static_cast<std::int32_t>(0x8f552b0c)},
        {"1234", static_cast<std::int32_t>(0x9fc97b14)},
        {"PreAmbleWillBeRemoved,ThePrePartThatIs", 0x78424f1c},
        {"", 0x106e08d9},
    };
    for (const Known& known : all) {
        CAPTURE(known.key);
        const std::int32_t positive = known.hash & INT_MAX;
        CHECK(partition_of(known.key, INT_MAX) == positive);
        for (const int partitions : {1, 2, 6, 12}) {
            CHECK(partition_of(known.key, partitions) == positive % partitions);
        }
    }
}

}  // namespace orderflow::kafka
