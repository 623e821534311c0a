// A loop of commands: what each caller is told when the batch that its command went into cannot be
// committed as a whole.

#include <algorithm>
#include <functional>
#include <future>
#include <map>
#include <stdexcept>

#include <catch2/catch_test_macros.hpp>

#include "component/subjects.hpp"
#include "loops/command_loop.hpp"
#include "loops/context.hpp"
#include "outbox/relay_feed.hpp"
#include "support/commands.hpp"
#include "support/eventually.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using events::Service;
using outbox::Fate;
using NumberLoop = loops::CommandLoop<int, int>;
using Numbers = std::span<int* const>;

// Holds up the loop until the others are queued, so that they are taken together.
constexpr int kPlug = -1;

bool holds(Numbers numbers, int number) {
    return std::ranges::any_of(numbers, [number](const int* one) { return *one == number; });
}

// A loop over a database, whose commands do what a test says, and their callers.
struct Lab {
    // `check` throws for numbers that cannot be committed. The outcome of a number is the number.
    explicit Lab(std::function<void(Numbers)> check, std::size_t capacity = 200)
        : loop("numbers", context(), capacity, [this, check](postgres::Connection&) {
              NumberLoop::Steps steps;
              steps.apply = [this, check](Numbers numbers, Instant, outbox::BatchOutput&,
                                          std::span<NumberLoop::Answer> answers) {
                  if (*numbers.front() == kPlug) {
                      taken.set_value();
                      released.get_future().wait();
                  } else {
                      check(numbers);
                  }
                  for (std::size_t i = 0; i < numbers.size(); ++i) {
                      answers[i].outcome = *numbers[i];
                  }
                  return true;
              };
              return steps;
          }) {}

    loops::Context context() { return {Service::order, database.url(), {}, registry, relay_feed}; }
    void send(int number) {
        const auto hear = [this, number](NumberLoop::Answer answer) {
            ++heard[number];
            fates[number] = answer.fate;
            if (answer.fate != Fate::done) return;
            CHECK(answer.outcome == number);
            if (number != kPlug) committed.push_back(number);
        };
        callers.send<int, int>(loop, number, hear);
    }
    void send_together(int numbers) {
        send(kPlug);
        taken.get_future().wait();
        for (int i = 0; i < numbers; ++i) send(i);
    }
    // Of the numbers that were sent together.
    std::ptrdiff_t count(Fate fate) const {
        return std::ranges::count_if(
            fates, [fate](const auto& one) { return one.first != kPlug && one.second == fate; });
    }
    bool each_heard_once() const {
        return std::ranges::all_of(heard, [](const auto& one) { return one.second == 1; });
    }

    TestDatabase database{Service::order, subject(Service::order).migrations};
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    std::promise<void> taken, released;
    std::map<int, int> heard;  // how often each caller heard something
    std::map<int, Fate> fates;
    std::vector<int> committed;  // in the order in which their callers heard so
    Callers callers;
    NumberLoop loop;
};

}  // namespace

TEST_CASE("commands: one that cannot be committed fails alone, the others keep their order") {
    Lab lab([](Numbers numbers) {
        if (holds(numbers, 13) || holds(numbers, 77)) throw std::invalid_argument("planned");
    });
    lab.send_together(100);
    lab.released.set_value();
    lab.callers.wait();

    CHECK(lab.each_heard_once());
    CHECK((lab.fates[13] == Fate::failed && lab.fates[77] == Fate::failed));
    CHECK(lab.committed.size() == 98);
    CHECK(std::ranges::is_sorted(lab.committed));
}

TEST_CASE("commands: without a database a batch fails at once, as a whole") {
    int attempts = 0;
    Lab lab([&](Numbers) {
        ++attempts;
        throw postgres::DatabaseError("planned", "57P01", true);
    });
    lab.send_together(100);
    lab.released.set_value();
    lab.callers.wait();

    CHECK(attempts == 1);
    CHECK(lab.count(Fate::unknown) == 100);
}

TEST_CASE("commands: each caller hears once, also when the database goes away between two halves") {
    bool guilty_found = false;
    Lab lab([&](Numbers numbers) {
        if (guilty_found) throw postgres::DatabaseError("planned", "", true);
        guilty_found = numbers.size() == 1 && *numbers.front() == 60;
        if (holds(numbers, 60)) throw std::invalid_argument("planned");
    });
    lab.send_together(100);
    lab.released.set_value();
    lab.callers.wait();

    CHECK(lab.each_heard_once());
    CHECK(lab.fates[60] == Fate::failed);
    CHECK(lab.count(Fate::done) + lab.count(Fate::unknown) == 99);
    CHECK(lab.count(Fate::done) >= 50);
}

TEST_CASE("commands: what waits when the process ends is given up without a database") {
    int attempts = 0;
    Lab lab(
        [&](Numbers) {
            ++attempts;
            throw postgres::DatabaseError("planned", "", true);
        },
        2'000);
    lab.send_together(2'000);  // four batches
    lab.loop.request_stop();
    lab.released.set_value();
    lab.loop.stop();
    lab.callers.listen();

    CHECK(attempts == 1);
    lab.send(0);
    CHECK(lab.fates[0] == Fate::full);  // nobody would take it
}

TEST_CASE("commands: a command that is busy is tried again until its caller's patience ends") {
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    TestDatabase database{Service::order, subject(Service::order).migrations};
    int tries = 0, busy_for = 3;
    NumberLoop loop("numbers", {Service::order, database.url(), {}, registry, relay_feed}, 10,
                    [&](postgres::Connection&) {
                        NumberLoop::Steps steps;
                        steps.apply = [&](Numbers, Instant, outbox::BatchOutput&,
                                          std::span<NumberLoop::Answer> answers) {
                            if (tries++ < busy_for) answers[0].fate = Fate::busy;
                            return true;
                        };
                        return steps;
                    });
    Callers callers;
    std::optional<Fate> heard;
    const auto hear = [&](NumberLoop::Answer answer) { heard = answer.fate; };
    callers.send<int, int>(loop, 1, hear);
    callers.wait();
    CHECK((heard == Fate::done && tries == 4));

    busy_for = 1'000;
    callers.send<int, int>(loop, 1, hear);
    callers.wait();
    CHECK(heard == Fate::busy);
}

TEST_CASE("commands: nothing is taken before the schema is there") {
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    Gate gate;
    TestDatabase database{Service::order, subject(Service::order).migrations};
    loops::Context context{Service::order, database.url(), {}, registry, relay_feed};
    context.database = &gate;
    NumberLoop loop("numbers", context, 10, [](postgres::Connection&) {
        NumberLoop::Steps steps;
        steps.apply = [](auto&&...) { return true; };
        return steps;
    });
    Callers callers;
    std::vector<Fate> heard;
    const auto hear = [&](NumberLoop::Answer answer) { heard.push_back(answer.fate); };
    callers.send<int, int>(loop, 1, hear);
    callers.listen();
    gate.open();
    callers.send<int, int>(loop, 2, hear);
    callers.wait();
    CHECK(heard == std::vector{Fate::full, Fate::done});
}

TEST_CASE("commands: a loop that never got its database ends when it is asked to") {
    prometheus::Registry registry;
    outbox::RelayFeed relay_feed;
    const Gate never;
    loops::Context context{Service::order, "", {}, registry, relay_feed};
    context.database = &never;
    NumberLoop loop("numbers", context, 10, nullptr);
    loop.stop();
}

}  // namespace orderflow::test
