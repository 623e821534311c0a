// Which partitions count as calm, on a clock of the test's own, and where Kafka puts a key.

#include <climits>

#include <catch2/catch_test_macros.hpp>

#include "messaging/calm.hpp"

namespace orderflow::messaging {
namespace {

using namespace std::chrono_literals;
using Ints = std::vector<int>;

const CalmPartitions::Clock::time_point kStart{1'000s};
const std::vector<std::string_view> kStock{"inventory-events"};
const std::vector<std::string_view> kBoth{"inventory-events", "payment-events"};

PartitionState stock(int partition, bool at_end = true) {
    return {"inventory-events", partition, at_end};
}
PartitionState payment(int partition, bool at_end = true) {
    return {"payment-events", partition, at_end};
}

// A consumer loop as CalmPartitions knows it: an address, which says each second what it owns.
struct Source {
    CalmPartitions& calm;
    void sees(const std::vector<PartitionState>& partitions, CalmPartitions::Clock::duration from,
              CalmPartitions::Clock::duration to) const {
        for (auto at = from; at <= to; at += 1s) calm.seen(this, partitions, kStart + at);
    }
};

}  // namespace

TEST_CASE("calm: a partition is calm once it was read to its end for the time asked for") {
    CalmPartitions calm;
    const Source source{calm};
    CHECK(calm.calm(kStock, 0s, kStart).empty());
    source.sees({stock(0), stock(3)}, 0s, 60s);

    CHECK(calm.calm(kStock, 60s, kStart + 60s) == Ints{0, 3});
    CHECK(calm.calm(kStock, 60s + 1ms, kStart + 60s).empty());
    CHECK(calm.calm(kStock, 0s, kStart + 60s) == Ints{0, 3});
}

TEST_CASE("calm: lag begins it anew, for that partition alone") {
    CalmPartitions calm;
    const Source source{calm};
    source.sees({stock(0), stock(1)}, 0s, 59s);
    source.sees({stock(0, false), stock(1)}, 60s, 60s);
    CHECK(calm.calm(kStock, 0s, kStart + 60s) == Ints{1});
    source.sees({stock(0), stock(1)}, 61s, 120s);

    CHECK(calm.calm(kStock, 60s, kStart + 120s) == Ints{1});
    source.sees({stock(0), stock(1)}, 121s, 121s);
    CHECK(calm.calm(kStock, 60s, kStart + 121s) == Ints{0, 1});
}

TEST_CASE("calm: a failure begins it anew for all that the source owns") {
    CalmPartitions calm;
    const Source source{calm};
    source.sees({stock(0), stock(1)}, 0s, 59s);
    source.sees({}, 60s, 60s);
    source.sees({stock(0), stock(1)}, 61s, 120s);
    CHECK(calm.calm(kStock, 60s, kStart + 120s).empty());
    CHECK(calm.calm(kStock, 59s, kStart + 120s) == Ints{0, 1});
}

TEST_CASE("calm: a partition that was taken away is not calm, and begins anew when it comes back") {
    CalmPartitions calm;
    const Source source{calm};
    source.sees({stock(0), stock(1)}, 0s, 59s);
    source.sees({stock(1)}, 60s, 60s);
    CHECK(calm.calm(kStock, 0s, kStart + 60s) == Ints{1});
    source.sees({stock(0), stock(1)}, 61s, 70s);
    CHECK(calm.calm(kStock, 60s, kStart + 70s) == Ints{1});
}

TEST_CASE("calm: it must be so in every topic that is asked for") {
    CalmPartitions calm;
    const Source source{calm};
    source.sees({stock(0), stock(1), payment(1), payment(2), {"other-events", 0, true}}, 0s, 60s);
    CHECK(calm.calm(kBoth, 60s, kStart + 60s) == Ints{1});
    CHECK(calm.calm(kStock, 60s, kStart + 60s) == Ints{0, 1});

    source.sees({stock(1), payment(1, false)}, 61s, 61s);
    CHECK(calm.calm(kBoth, 60s, kStart + 61s).empty());
}

TEST_CASE("calm: the sources of a process complement each other") {
    CalmPartitions calm;
    const Source one{calm};
    const Source two{calm};
    for (auto at = 0s; at <= 60s; at += 1s) {
        one.sees({stock(0), stock(1)}, at, at);
        two.sees({payment(0), payment(2)}, at, at);
    }
    CHECK(calm.calm(kBoth, 60s, kStart + 60s) == Ints{0});

    one.sees({}, 61s, 61s);
    CHECK(calm.calm(kBoth, 0s, kStart + 61s).empty());
}

TEST_CASE("calm: two sources that claim the same partition do not stand for two topics") {
    CalmPartitions calm;
    const Source one{calm};
    const Source two{calm};
    for (auto at = 0s; at <= 60s; at += 1s) {
        one.sees({stock(0)}, at, at);
        two.sees({stock(0)}, at, at);
    }
    CHECK(calm.calm(kBoth, 60s, kStart + 60s).empty());
    CHECK(calm.calm(kStock, 60s, kStart + 60s) == Ints{0});
}

TEST_CASE("calm: a source that has fallen silent says nothing, and begins anew when it wakes") {
    CalmPartitions calm;
    const Source source{calm};
    source.sees({stock(0)}, 0s, 60s);

    CHECK(calm.calm(kStock, 60s, kStart + 65s) == Ints{0});
    CHECK(calm.calm(kStock, 0s, kStart + 66s).empty());  // the process may have been frozen

    source.sees({stock(0)}, 66s, 70s);
    CHECK(calm.calm(kStock, 4s, kStart + 70s) == Ints{0});
    CHECK(calm.calm(kStock, 5s, kStart + 70s).empty());
}

// The hashes are those of Kafka's UtilsTest.testMurmur2 and of librdkafka's unittest_murmur2,
// signed as in Java. Among INT_MAX partitions the number is the hash without its sign.
TEST_CASE("calm: a key's partition is the one that Kafka's producers choose") {
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

}  // namespace orderflow::messaging
