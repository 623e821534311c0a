// Work that comes by a queue: what each caller is told when the batch it went into cannot be
// committed as a whole.

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <stdexcept>

#include <catch2/catch_test_macros.hpp>

#include "core/wake_up.hpp"
#include "loops/context.hpp"
#include "loops/queue_loop.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/eventually.hpp"

namespace orderflow::test {
namespace {

using outbox::UnitOfWork;
using namespace std::chrono_literals;

// Holds up the loop until the others are queued, so that they are taken together.
constexpr int kPlug = -1;

struct Plug {
    std::promise<void> taken;
    std::promise<void> released;
    std::atomic<int> told = 0;  // callers
};

struct Told {
    std::map<int, int> committed;  // how often each caller was told so
    std::map<int, int> failed;
    std::vector<int> order;  // of the commits
};

class NumberWorker final : public loops::QueueLoop<int>::Worker {
public:
    NumberWorker(Plug& plug, std::function<void(std::span<int>)> check, Told& told)
        : plug_(plug), check_(std::move(check)), told_(told) {}

    void run(UnitOfWork&, std::span<int> items) override {
        if (items.front() == kPlug) {
            plug_.taken.set_value();
            return plug_.released.get_future().wait();
        }
        check_(items);
        for (const int item : items) {
            ++told_.committed[item];
            told_.order.push_back(item);
            ++plug_.told;
        }
    }
    void fail(std::span<int> items) noexcept override {
        for (const int item : items) {
            ++told_.failed[item];
            ++plug_.told;
        }
    }

private:
    Plug& plug_;
    const std::function<void(std::span<int>)> check_;
    Told& told_;
};

bool holds(std::span<int> items, int item) { return std::ranges::find(items, item) != items.end(); }

// What the callers of the items 0 to 99, committed together, are told; `check` throws for those
// that cannot be committed.
Told run(const std::function<void(std::span<int>)>& check) {
    prometheus::Registry registry;
    WakeUp relay_wake_up;
    Plug plug;
    Told told;
    {
        loops::QueueLoop<int> loop("numbers",
                                   {events::Service::order, "", {}, registry, relay_wake_up}, 200,
                                   [&](postgres::Connection&) {
                                       return std::make_unique<NumberWorker>(plug, check, told);
                                   });
        loop.submit(int{kPlug});
        plug.taken.get_future().wait();
        for (int i = 0; i < 100; ++i) loop.submit(int{i});
        plug.released.set_value();
        eventually(10s, [&] { return plug.told == 100; });  // a stop would leave some untold
    }
    return told;
}

}  // namespace

TEST_CASE("queue: an item that cannot be committed fails alone, the others keep their order") {
    const Told told = run([](std::span<int> items) {
        if (holds(items, 13) || holds(items, 77)) throw std::invalid_argument("planned");
    });
    CHECK(told.failed == std::map<int, int>{{13, 1}, {77, 1}});
    CHECK(told.committed.size() == 98);
    CHECK(told.order.size() == 98);
    CHECK(std::ranges::is_sorted(told.order));
}

TEST_CASE("queue: without a database a batch fails at once, as a whole") {
    int attempts = 0;
    const Told told = run([&](std::span<int>) {
        ++attempts;
        throw postgres::DatabaseError("planned", "57P01", true);
    });
    CHECK(attempts == 1);
    CHECK(told.failed.size() == 100);
    CHECK(told.committed.empty());
}

TEST_CASE("queue: each caller is told once, also when the database goes away between two halves") {
    bool guilty_found = false;
    const Told told = run([&](std::span<int> items) {
        if (guilty_found) throw postgres::DatabaseError("planned", "", true);
        guilty_found = items.size() == 1 && items.front() == 60;
        if (holds(items, 60)) throw std::invalid_argument("planned");
    });
    CHECK(told.committed.size() + told.failed.size() == 100);
    CHECK(told.committed.size() >= 50);
    CHECK(std::ranges::all_of(told.committed, [](const auto& one) { return one.second == 1; }));
    CHECK(std::ranges::all_of(told.failed, [](const auto& one) { return one.second == 1; }));
}

TEST_CASE("queue: what waits when the process ends is given up without a database, not tried on") {
    prometheus::Registry registry;
    WakeUp relay_wake_up;
    Plug plug;
    Told told;
    int attempts = 0;
    const auto check = [&](std::span<int>) {
        ++attempts;
        throw postgres::DatabaseError("planned", "", true);
    };
    loops::QueueLoop<int> loop(
        "numbers", {events::Service::order, "", {}, registry, relay_wake_up}, 2'000,
        [&](postgres::Connection&) { return std::make_unique<NumberWorker>(plug, check, told); });
    loop.submit(int{kPlug});
    plug.taken.get_future().wait();
    for (int i = 0; i < 2'000; ++i) loop.submit(int{i});  // four batches
    loop.request_stop();
    CHECK_FALSE(loop.submit(int{0}));
    plug.released.set_value();
    loop.stop();
    CHECK(attempts == 1);
}

TEST_CASE("queue: nothing is taken before the schema is there") {
    prometheus::Registry registry;
    WakeUp relay_wake_up;
    Gate database;
    Plug plug;
    Told told;
    loops::Context context{events::Service::order, "", {}, registry, relay_wake_up};
    context.database = &database;
    loops::QueueLoop<int> loop("numbers", context, 10, [&](postgres::Connection&) {
        return std::make_unique<NumberWorker>(plug, [](std::span<int>) {}, told);
    });
    CHECK_FALSE(loop.submit(int{1}));
    database.open();
    CHECK(loop.submit(int{2}));
    CHECK(eventually(10s, [&] { return plug.told == 1; }));
    loop.stop();
    CHECK(told.committed == std::map<int, int>{{2, 1}});
}

TEST_CASE("queue: a loop that never got its database ends when it is asked to") {
    prometheus::Registry registry;
    WakeUp relay_wake_up;
    const Gate never;
    loops::Context context{events::Service::order, "", {}, registry, relay_wake_up};
    context.database = &never;
    loops::QueueLoop<int> loop("numbers", context, 10, nullptr);
    loop.stop();
}

}  // namespace orderflow::test
