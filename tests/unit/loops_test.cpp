// How long a loop waits before it tries again.

#include <catch2/catch_test_macros.hpp>

#include "core/backoff.hpp"

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

}  // namespace orderflow::loops
