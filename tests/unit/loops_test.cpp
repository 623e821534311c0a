// How long a loop waits before it tries again, and what a ticker tries again.

#include <atomic>

#include <catch2/catch_test_macros.hpp>
#include <prometheus/registry.h>

#include "core/backoff.hpp"
#include "loops/ticker.hpp"
#include "support/eventually.hpp"

namespace orderflow::loops {

using namespace std::chrono_literals;

TEST_CASE("backoff: doubles from 50 ms to 5 s, and begins again after a success") {
    Backoff backoff;
    std::vector<std::chrono::milliseconds> waits;
    for (int i = 0; i < 9; ++i) waits.push_back(backoff.next());
    CHECK(waits == std::vector<std::chrono::milliseconds>{50ms, 100ms, 200ms, 400ms, 800ms, 1600ms,
                                                          3200ms, 5000ms, 5000ms});
    backoff.reset();
    CHECK(backoff.next() == 50ms);
}

TEST_CASE("ticker: a step that cannot be made, or fails, is tried again") {
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    const Context context{events::Service::order, "", {}, registry, relay_feed};
    int made = 0;
    std::atomic<int> steps = 0;
    Ticker ticker(context, "test", 1ms, [&](postgres::Connection&) -> Ticker::Step {
        if (++made < 3) throw std::runtime_error("planned");
        return [&]() -> std::optional<std::chrono::milliseconds> {
            if (++steps < 3) throw std::runtime_error("planned");
            return std::nullopt;
        };
    });
    CHECK(test::eventually(10s, [&] { return steps > 3; }));
    ticker.stop();
    CHECK(made == 3);
}

}  // namespace orderflow::loops
