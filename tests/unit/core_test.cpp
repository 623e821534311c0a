// Times, currencies, traces, and the queue that gathers batches.

#include <algorithm>
#include <atomic>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "core/batch_queue.hpp"
#include "core/money.hpp"
#include "core/time.hpp"
#include "core/trace.hpp"
#include "support/builders.hpp"
#include "support/eventually.hpp"

namespace orderflow {

using namespace std::chrono_literals;

TEST_CASE("time: RFC 3339 with six digits, there and back") {
    CHECK(to_rfc3339(test::kPlacedAt) == "2026-01-02T03:04:05.123456Z");
    CHECK(to_rfc3339(Instant{}) == "1970-01-01T00:00:00.000000Z");
    for (const char* text : {"2026-01-02T03:04:05.123456Z", "1969-12-31T23:59:59.999999Z",
                             "2024-02-29T00:00:00.000001Z", "9999-12-31T23:59:59.000000Z"}) {
        const auto instant = parse_rfc3339(text);
        REQUIRE(instant.has_value());
        CHECK(to_rfc3339(*instant) == text);
    }
}

TEST_CASE("time: fewer digits of a second are read as what they mean") {
    CHECK(parse_rfc3339("2026-01-02T03:04:05Z") == test::kPlacedAt - 123456us);
    CHECK(parse_rfc3339("2026-01-02T03:04:05.1Z") == test::kPlacedAt - 23456us);
    CHECK(parse_rfc3339("2026-01-02T03:04:05.12345Z") == test::kPlacedAt - 6us);
}

TEST_CASE("time: what is no UTC time is refused") {
    for (const char* text : {"",
                             "2026-01-02",
                             "2026-01-02T03:04:05",
                             "2026-01-02T03:04:05+00:00",
                             "2026-01-02t03:04:05z",
                             "2026-01-02 03:04:05Z",
                             "2026-02-29T00:00:00Z",
                             "2026-13-01T00:00:00Z",
                             "2026-00-01T00:00:00Z",
                             "2026-01-32T00:00:00Z",
                             "2026-01-00T00:00:00Z",
                             "2026-01-02T24:00:00Z",
                             "2026-01-02T03:60:00Z",
                             "2026-01-02T03:04:60Z",
                             "2026-01-02T03:04:05.Z",
                             "2026-01-02T03:04:05.1234567Z",
                             "2026-01-02T03:04:05,1Z",
                             "2026-01-02T03:04:05.12a4Z",
                             "-026-01-02T03:04:05Z",
                             "2026-1-02T03:04:05.0Z",
                             "2026-01-02T03:04:5.00Z",
                             "2026/01/02T03:04:05Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rfc3339(text).has_value());
    }
}

TEST_CASE("currency: three capital letters and nothing else") {
    CHECK(Currency::parse("EUR")->text() == "EUR");
    CHECK(Currency{}.text() == "KRW");
    for (const char* text : {"", "EU", "EURO", "eur", "EU1", "E R"}) {
        CHECK_FALSE(Currency::parse(text).has_value());
    }
}

TEST_CASE("traceparent: version 00 in lower case with ids that are not zero") {
    const std::string ids = "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
    const std::string valid = "00" + ids + "01";
    CHECK(read_traceparent(valid) == valid);
    CHECK(read_traceparent("00" + ids + "00") == "00" + ids + "00");
    const std::vector<std::string> refused{
        "",
        valid.substr(0, 54),
        valid + "0",
        valid + "-",
        valid + "-x",
        "0" + valid,
        "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473\"-00f067aa0ba902b7-01",
        "00" + ids + "0g"};
    for (const std::string& text : refused) {
        CAPTURE(text);
        CHECK(read_traceparent(text).empty());
    }
}

TEST_CASE("traceparent: a higher version is read as 00, its flags as far as they are known") {
    const std::string ids = "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
    const std::string sampled = "00" + ids + "01";
    const std::string not_sampled = "00" + ids + "00";
    for (const char* version : {"00", "01", "0a", "cc", "fe"}) {
        CAPTURE(version);
        CHECK(read_traceparent(version + ids + "01") == sampled);
        CHECK(read_traceparent(version + ids + "ff") == sampled);
        CHECK(read_traceparent(version + ids + "03") == sampled);
        CHECK(read_traceparent(version + ids + "02") == not_sampled);
        CHECK(read_traceparent(version + ids + "ae") == not_sampled);
    }
    CHECK(read_traceparent("01" + ids + "01-") == sampled);
    CHECK(read_traceparent("cc" + ids + "01-what-\"the\"-future-brings") == sampled);
    for (const std::string& text :
         {"ff" + ids + "01", "ff" + ids + "01-x", "FE" + ids + "01", "0g" + ids + "01",
          "01" + ids + "01.x", "01" + ids + "012", "01" + ids + "0", "01" + ids + "0G",
          std::string("01-00000000000000000000000000000000-00f067aa0ba902b7-01-x")}) {
        CAPTURE(text);
        CHECK(read_traceparent(text).empty());
    }
}

TEST_CASE("gathering: below its rate nothing waits, above it a batch waits from its first record") {
    const GatherLimits limits{.max_records = 500,
                              .gather_rate = 100,
                              .gather_time = 10ms,
                              .gather_records = 128,
                              .gather_least = 3ms};
    Gathering gathering(limits);
    Gathering::Clock::time_point now{1h};
    const auto run = [&](std::chrono::milliseconds between) {
        for (int i = 0; i < 200; ++i) gathering.taken(1, now += between);
    };
    CHECK(gathering.patience(1, now, now) == 0ms);
    run(20ms);
    CHECK(gathering.patience(1, now, now) == 0ms);
    run(5ms);
    CHECK(gathering.patience(1, now, now) == 10ms);
    CHECK(gathering.patience(1, now - 4ms, now) == 6ms);
    CHECK(gathering.patience(1, now - 11ms, now) == 0ms);
    CHECK(gathering.patience(127, now, now) == 10ms);
    CHECK(gathering.patience(128, now, now) == 3ms);
    CHECK(gathering.patience(500, now, now) == 0ms);
    CHECK(gathering.patience(1, now, now, true) == 100ms);
    CHECK(gathering.patience(128, now, now, true) == 3ms);
    gathering.taken(0, now + 5ms);  // nothing came
    CHECK(gathering.patience(1, now, now) == 10ms);
    now += 1s;
    CHECK(gathering.patience(1, now, now) == 0ms);
}

TEST_CASE("queue: items come out in order, at most a batch at once") {
    BatchQueue<int> queue(100, {.max_records = 4, .gather_time = 0ms});
    for (int i = 0; i < 6; ++i) CHECK(queue.push(int{i}));
    CHECK(queue.take(0ms) == std::vector{0, 1, 2, 3});
    CHECK(queue.size() == 2);
    CHECK(queue.take(0ms) == std::vector{4, 5});
    CHECK(queue.take(0ms).empty());
}

TEST_CASE("queue: a full or closed one refuses and leaves the item with its owner") {
    BatchQueue<std::unique_ptr<int>> queue(1);
    REQUIRE(queue.push(std::make_unique<int>(1)));
    auto item = std::make_unique<int>(2);
    CHECK_FALSE(queue.push(std::move(item)));
    REQUIRE(item != nullptr);

    CHECK(queue.take(0ms).size() == 1);
    queue.close();
    CHECK_FALSE(queue.push(std::move(item)));
    CHECK(item != nullptr);
    CHECK(queue.closed());
}

TEST_CASE("queue: what is inside when it closes can still be taken") {
    BatchQueue<int> queue(10);
    queue.push(1);
    queue.close();
    CHECK(queue.take(10s) == std::vector{1});
    CHECK(queue.take(10s).empty());  // at once
}

TEST_CASE("queue: an item and a close wake who waits") {
    BatchQueue<int> queue(10);
    std::atomic<int> awake = 0;
    std::vector<int> first, second;
    std::jthread consumer([&] {
        first = queue.take(30s);
        ++awake;
        second = queue.take(30s);
        ++awake;
    });

    CHECK_FALSE(test::eventually(100ms, [&] { return awake == 1; }));
    queue.push(1);
    CHECK(test::eventually(10s, [&] { return awake == 1; }));
    CHECK_FALSE(test::eventually(100ms, [&] { return awake == 2; }));
    queue.close();
    CHECK(test::eventually(10s, [&] { return awake == 2; }));
    consumer.join();
    CHECK(first == std::vector{1});
    CHECK(second.empty());
}

TEST_CASE("queue: when items come fast it gathers until there is enough") {
    BatchQueue<int> queue(1000, {.gather_rate = 4, .gather_time = 30s, .gather_records = 8});
    for (int i = 0; i < 3; ++i) queue.push(int{i});
    CHECK(queue.take(0ms).size() == 3);  // the first batch does not wait

    queue.push(0);
    std::vector<int> gathered;
    std::atomic<bool> done = false;
    std::jthread consumer([&] {
        gathered = queue.take(0ms);
        done = true;
    });
    CHECK_FALSE(test::eventually(100ms, [&] { return done.load(); }));
    for (int i = 1; i < 8; ++i) queue.push(int{i});
    CHECK(test::eventually(10s, [&] { return done.load(); }));
    consumer.join();
    CHECK(gathered.size() == 8);
}

TEST_CASE("queue: with enough items it gathers for the least time, and longer with fewer") {
    BatchQueue<int> queue(
        1000, {.gather_rate = 4, .gather_time = 30s, .gather_records = 8, .gather_least = 100ms});
    for (int i = 0; i < 3; ++i) queue.push(int{i});
    CHECK(queue.take(0ms).size() == 3);
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 8; ++i) queue.push(int{i});
    std::jthread late([&] {
        std::this_thread::sleep_for(20ms);
        queue.push(8);
    });
    CHECK(queue.take(0ms).size() == 9);
    const auto took = std::chrono::steady_clock::now() - begun;
    CHECK((took >= 100ms && took < 10s));
}

TEST_CASE("queue: a burst is taken soon after its last item") {
    BatchQueue<int> queue(1000, {.gather_rate = 1, .gather_time = 30s, .gather_gap = 50ms});
    for (int i = 0; i < 3; ++i) queue.push(int{i});
    CHECK(queue.take(0ms).size() == 3);
    for (int i = 0; i < 5; ++i) queue.push(int{i});
    const auto begun = std::chrono::steady_clock::now();
    CHECK(queue.take(0ms).size() == 5);
    const auto took = std::chrono::steady_clock::now() - begun;
    CHECK((took >= 50ms && took < 10s));
}

TEST_CASE("queue: nothing is lost or doubled between many producers and the consumer") {
    BatchQueue<int> queue(100'000, {.max_records = 64, .gather_time = 1ms, .gather_records = 16});
    constexpr int kEach = 5'000;
    std::vector<int> taken;
    std::jthread consumer([&] {
        while (!queue.closed() || queue.size() > 0) {
            const auto batch = queue.take(100ms);
            CHECK(batch.size() <= 64);
            taken.insert(taken.end(), batch.begin(), batch.end());
        }
    });
    {
        std::vector<std::jthread> producers;
        for (int p = 0; p < 4; ++p) {
            producers.emplace_back([&queue, p] {
                for (int i = 0; i < kEach; ++i) queue.push(p * kEach + i);
            });
        }
    }
    queue.close();
    consumer.join();
    REQUIRE(taken.size() == 4 * kEach);
    std::vector<int> next{0, kEach, 2 * kEach, 3 * kEach};
    for (const int item : taken) CHECK(item == next[static_cast<std::size_t>(item / kEach)]++);
}

}  // namespace orderflow
