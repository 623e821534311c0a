#pragma once
// What a service's log says of records that it could not handle: a line for each failed try and
// each death, once it is committed, and at most so many lines. When a dependency breaks hundreds of
// records fail at once, and again at each try; the log then has some of them and the count of the
// others, which stand in the table of parked records all the same. Part of PostgresUnitOfWork; one
// thread.
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "outbox/parking.hpp"

namespace orderflow::outbox {

class FailureLog {
public:
    using Clock = std::chrono::steady_clock;
    // Of each kind: so many at once, then so many a second.
    static constexpr double kAtOnce = 50;
    static constexpr double kPerSecond = 5;

    struct Line {
        bool died = false;  // waits for an operator: an error; otherwise a warning
        std::string text;
    };

    // Notes what is parked by the transaction: a failed first try, or a death. That a record is
    // behind another one is no failure.
    void parked(const ParkedRecord& parked, Instant now);
    // Notes a failed try of a record that is parked.
    void retried(const Retried& retried);
    // Forgets what was noted: it is not committed.
    void drop() { noted_.clear(); }
    // What is to be logged now of what was noted, and, once there is room again, how many lines
    // were left out.
    std::vector<Line> take(Clock::time_point now);

private:
    struct Room {
        double lines = kAtOnce;
        Clock::time_point at{};
        std::size_t left_out = 0;

        bool take_one(Clock::time_point now);
    };
    Room& room_of(bool died) { return died ? deaths_ : tries_; }

    std::vector<Line> noted_;
    Room tries_;
    Room deaths_;
};

}  // namespace orderflow::outbox
