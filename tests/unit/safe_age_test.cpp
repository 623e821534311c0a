// Rows are deleted by age only when no clock can have been wrong about them.

#include <catch2/catch_test_macros.hpp>

#include "core/safe_age.hpp"
#include "support/builders.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;

// A database and a process whose clocks a test sets apart, and the steady clock of the process.
struct Clocks {
    SafeAge age{24h};
    SafeAge::Steady steady{};
    std::chrono::microseconds database = 0s;  // ahead of the true time
    std::chrono::microseconds process = 0s;
    std::chrono::microseconds passed = 0s;

    Instant now() const { return kPlacedAt + passed; }
    std::optional<Instant> look() {
        return age.look(now() + database, now() + process, steady + passed);
    }
    // A look each second.
    std::optional<Instant> wait(std::chrono::seconds time) {
        std::optional<Instant> latest;
        for (; time > 0s; time -= 1s) {
            passed += 1s;
            if (const auto limit = look()) latest = latest ? std::max(*latest, *limit) : *limit;
        }
        return latest;
    }
    bool deletes_young(std::optional<Instant> limit) const { return limit && *limit > now() - 24h; }
};

}  // namespace

TEST_CASE("safe age: rows go once they were too old for a whole window, ten to twenty minutes") {
    Clocks clocks;
    CHECK_FALSE(clocks.look());
    CHECK_FALSE(clocks.wait(599s));
    const auto first = clocks.wait(1s);
    REQUIRE(first);
    CHECK(*first == kPlacedAt - 24h);
    const auto later = clocks.wait(3h);
    REQUIRE(later);
    CHECK(*later <= clocks.now() - 24h - 10min);
    CHECK(*later >= clocks.now() - 24h - 20min);
}

TEST_CASE("safe age: a short age has a short window") {
    SafeAge age(60s);
    CHECK(age.window() == 60s);
    CHECK_FALSE(age.look(kPlacedAt, kPlacedAt, SafeAge::Steady{}));
    CHECK(age.look(at(60), at(60), SafeAge::Steady{60s}) == at(-60));
}

TEST_CASE("safe age: a clock that is ahead deletes nothing that is young") {
    struct Jump {
        const char* which;
        std::chrono::seconds database, process, lasts;
    };
    const Jump jumps[] = {
        {"the database's, for three seconds", 26h, 0s, 3s},
        {"the database's, for an hour", 26h, 0s, 1h},
        {"the database's, by less than the tolerance", 59s, 0s, 1h},
        {"the process's", 0s, 26h, 1h},
        {"both, for three seconds", 26h, 26h, 3s},
        {"both, for longer than the window", 26h, 26h, 2h},
    };
    for (const bool from_the_start : {false, true}) {
        for (const Jump& jump : jumps) {
            INFO(jump.which << (from_the_start ? ", from the start" : ""));
            Clocks clocks;
            const bool unknowable = from_the_start && jump.database == jump.process &&
                                    jump.lasts > 10min;  // no clock is right
            if (unknowable) continue;
            if (!from_the_start) clocks.wait(30min);
            clocks.database = jump.database;
            clocks.process = jump.process;
            CHECK_FALSE(clocks.deletes_young(clocks.wait(jump.lasts)));
            clocks.database = clocks.process = 0s;
            CHECK_FALSE(clocks.deletes_young(clocks.wait(30min)));
            CHECK(clocks.wait(1s));  // and goes on
        }
    }
}

TEST_CASE("safe age: clocks that disagree stop the deletion and say so") {
    Clocks clocks;
    clocks.wait(30min);
    CHECK(clocks.age.clocks_agree());
    for (const auto by : {61s, -61s}) {
        clocks.database = by;
        CHECK_FALSE(clocks.look());
        CHECK_FALSE(clocks.age.clocks_agree());
        CHECK(clocks.age.difference() == by);
    }
    clocks.database = -59s;
    CHECK(clocks.look());
    CHECK(clocks.age.clocks_agree());
}

TEST_CASE("safe age: a clock that was behind and is corrected deletes nothing that is young") {
    Clocks clocks;
    clocks.database = clocks.process = -1h;
    clocks.wait(30min);
    clocks.database = clocks.process = 0s;
    CHECK_FALSE(clocks.deletes_young(clocks.wait(1h)));
    clocks.database = clocks.process = -1h;
    CHECK_FALSE(clocks.deletes_young(clocks.wait(1h)));
}

}  // namespace orderflow::test
