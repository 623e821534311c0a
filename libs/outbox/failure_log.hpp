#pragma once
// The log lines about records that a service could not handle: a line for each failed try and each
// death, once it is committed, within a limit. When a dependency breaks, hundreds of records fail
// at once, and again at each try. The log then has some of them and the count of the others; the
// table of parked records has all of them. Part of PostgresUnitOfWork; one thread.
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "outbox/parking.hpp"

namespace orderflow::outbox {

class FailureLog {
public:
    using Clock = std::chrono::steady_clock;
    // The limits of each kind: this many at once, then this many a second.
    static constexpr double kAtOnce = 50;
    static constexpr double kPerSecond = 5;

    struct Line {
        bool died = false;  // waits for an operator: an error; otherwise a warning
        std::string text;
    };

    // Notes a record that the transaction parks: a failed first try, or a death. A record that only
    // waits behind another one is not a failure.
    void parked(const ParkedRecord& parked, Instant now);
    // Notes a failed try of a parked record.
    void retried(const Retried& retried);
    // Drops the notes: the transaction was not committed.
    void drop() { noted_.clear(); }
    // Returns the lines to log now, and, once there is room again, the number of lines that were
    // left out.
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
