// What waits for the start of a process: gates, and the steps that are shown.

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "core/gate.hpp"
#include "core/start_steps.hpp"

namespace orderflow::test {

using Texts = std::vector<std::string>;
using Counts = std::map<std::string, int>;

TEST_CASE("gate: whoever waits goes on once it is open, and whoever comes later at once") {
    Gate gate;
    std::atomic<int> passed = 0;
    {
        const auto pass = [&](std::stop_token) { passed += gate.wait({}) ? 1 : 100; };
        const std::jthread one(pass), two(pass);
        CHECK_FALSE(gate.is_open());
        gate.open();
    }
    CHECK(passed == 2);
    CHECK(gate.is_open());
    CHECK(gate.wait({}));
}

TEST_CASE("gate: a stop ends the wait at a gate that never opens") {
    const Gate gate;
    std::atomic<bool> passed = true;
    {
        std::jthread waiting([&](std::stop_token stop) { passed = gate.wait(stop); });
        waiting.request_stop();
    }
    CHECK_FALSE(passed);
}

TEST_CASE("start: steps are listed with their reasons and counted by name until they are done") {
    StartSteps steps;
    StartStep kafka(&steps, "kafka");
    {
        StartStep one(&steps, "consumer");
        StartStep two(&steps, "consumer");
        kafka.because("no answer");
        two.because("its group has given no answer");
        CHECK(steps.list() ==
              Texts{"kafka: no answer", "consumer", "consumer: its group has given no answer"});
        CHECK(steps.counts() == Counts{{"kafka", 1}, {"consumer", 2}});
        one.done();
        one.done();
        one.because("nothing");
        CHECK(steps.counts() == Counts{{"kafka", 1}, {"consumer", 1}});
    }
    CHECK(steps.list() == Texts{"kafka: no answer"});
    CHECK(steps.counts() == Counts{{"kafka", 1}, {"consumer", 0}});
    StartStep unseen(nullptr, "relay");
    unseen.because("nobody asks");
    unseen.done();
    kafka.done();
    CHECK(steps.list().empty());
}

}  // namespace orderflow::test
