// What the log says of records that could not be handled: each failed try, and no flood.
#include <catch2/catch_test_macros.hpp>

#include "kafka/record.hpp"
#include "outbox/failure_log.hpp"
#include "outbox/parking.hpp"
#include "support/builders.hpp"

namespace orderflow::outbox {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

const Instant kNow = parse_rfc3339("2026-01-02T03:04:05.000000Z").value();
const OrderId kOrder = OrderId::parse("0190c7a1-7e2b-7c44-9d1a-5b0f6f1c2d3e").value();
const FailureLog::Clock::time_point kStart{1'000s};

// A log with the record that its lines speak of.
struct Lab {
    Lab() {
        record.topic = "payment-events";
        record.partition = 3;
        record.offset = 12;
    }

    void park(Parking why, std::string error = "failed: why") {
        log.parked({&record, kOrder, why, std::move(error)}, kNow);
    }
    void retry(std::int32_t attempts, std::string error = "failed: why") {
        DueRecord due{7, attempts, kOrder, record};
        const auto wait = next_try_after(attempts + 1);
        const auto next = wait ? std::optional(kNow + *wait) : std::nullopt;
        log.retried({&due, std::move(error), next});
    }
    // "warn …", "error …".
    Lines take(std::chrono::milliseconds after_start = 0ms) {
        Lines lines;
        for (const auto& [died, text] : log.take(kStart + after_start)) {
            lines.push_back((died ? "error " : "warn ") + text);
        }
        return lines;
    }

    kafka::Record record;
    FailureLog log;
};

const std::string kPlace = "payment-events/3@12 of order 0190c7a1-7e2b-7c44-9d1a-5b0f6f1c2d3e";

}  // namespace

TEST_CASE("failure log: each failed try names record, order, try, error and the next try") {
    Lab lab;
    lab.park(Parking::failed);
    lab.park(Parking::orphan, "orphan: no such order");
    lab.retry(1);
    lab.retry(4);
    CHECK(lab.take() == Lines{"warn record failed: " + kPlace +
                                  ", try 1 of 6, next at 2026-01-02T03:04:06.000000Z: "
                                  "failed: why",
                              "warn record failed: " + kPlace +
                                  ", try 1 of 6, next at 2026-01-02T03:04:06.000000Z: "
                                  "orphan: no such order",
                              "warn record failed: " + kPlace +
                                  ", try 2 of 6, next at 2026-01-02T03:04:09.000000Z: "
                                  "failed: why",
                              "warn record failed: " + kPlace +
                                  ", try 5 of 6, next at 2026-01-02T03:06:05.000000Z: "
                                  "failed: why"});
    CHECK(lab.take().empty());
}

TEST_CASE("failure log: a death is an error, a record behind another one is no failure") {
    Lab lab;
    lab.park(Parking::dead, "envelope: ce_id is not a UUID");
    lab.park(Parking::behind);
    lab.retry(5);
    CHECK(lab.take() == Lines{"error record died: " + kPlace +
                                  ", after 1 try: envelope: ce_id is "
                                  "not a UUID (orderctl records list)",
                              "error record died: " + kPlace +
                                  ", after 6 tries: failed: why "
                                  "(orderctl records list)"});
}

TEST_CASE("failure log: what is not committed is not logged") {
    Lab lab;
    lab.park(Parking::failed);
    lab.log.drop();
    CHECK(lab.take().empty());
}

TEST_CASE("failure log: hundreds that fail at once are some lines and a count") {
    Lab lab;
    std::size_t lines = 0;
    for (int i = 0; i < 500; ++i) {  // each in a transaction of its own
        lab.park(Parking::failed);
        lines += lab.take().size();
    }
    CHECK(lines == 50);
    CHECK(lab.take(100ms).empty());
    lab.park(Parking::dead);  // deaths have their own room
    CHECK(lab.take(100ms).size() == 1);

    CHECK(lab.take(1s) == Lines{"warn 450 more tries failed (orderctl records list)"});
    CHECK(lab.take(2s).empty());

    for (int i = 0; i < 100; ++i) lab.park(Parking::failed);  // in one transaction
    CHECK(lab.take(3s).size() == 14);
    lab.park(Parking::failed);
    const Lines next = lab.take(4s);
    REQUIRE(next.size() == 1);
    CHECK(next[0].ends_with("; 86 more tries failed since the previous line"));
}

TEST_CASE("failure log: what a record says cannot break a line") {
    Lab lab;
    lab.park(Parking::failed, "failed: \xff " + std::string(10'000, 'x'));
    const Lines lines = lab.take();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].size() < 5'000);
    CHECK(lines[0].find('\xff') == std::string::npos);
}

}  // namespace orderflow::outbox
