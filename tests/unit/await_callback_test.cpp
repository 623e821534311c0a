// The way back from a callback into a coroutine: by whoever answers, at most once, or by the clock.
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include "core/await_callback.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using Done = std::function<void(std::string)>;

// What a coroutine comes back with that waits for `start`.
template <class Start>
std::optional<std::string> awaited(Start start, std::chrono::milliseconds limit) {
    boost::asio::io_context io;
    std::optional<std::string> got;
    int times = 0;
    boost::asio::co_spawn(io, await_callback<std::string>(std::move(start), limit),
                          [&](std::exception_ptr, std::optional<std::string> value) {
                              got = std::move(value);
                              ++times;
                          });
    io.run();
    CHECK(times == 1);
    return got;
}

}  // namespace

TEST_CASE("await: the answer comes at once, or from another thread") {
    CHECK(awaited([](Done done) { done("at once"); }, 1h) == "at once");

    std::jthread other;
    const auto start = [&](Done done) {
        other = std::jthread([done = std::move(done)] { done("later"); });
    };
    CHECK(awaited(start, 1h) == "later");
}

TEST_CASE("await: who is not answered in time goes on, and a late answer wakes nobody") {
    Done late;
    CHECK(awaited([&](Done done) { late = std::move(done); }, 10ms) == std::nullopt);

    boost::asio::io_context io;
    int times = 0;
    boost::asio::co_spawn(
        io, await_callback<std::string>([&](Done done) { late = std::move(done); }, 1ms),
        [&](std::exception_ptr, std::optional<std::string> value) {
            ++times;
            CHECK(value == std::nullopt);
            late("too late");
        });
    io.run();
    CHECK(times == 1);
}

}  // namespace orderflow::test
