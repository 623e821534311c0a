#pragma once
// Decides which rows are old enough to be deleted, although any clock may be wrong for a while.
// Example: a database whose clock is 26 hours ahead for three seconds must not delete a day of
// idempotency keys. Each loop that deletes by age owns one. Pure, one thread.
#include <chrono>
#include <optional>

#include "core/time.hpp"

namespace orderflow {

class SafeAge {
public:
    using Steady = std::chrono::steady_clock::time_point;

    explicit SafeAge(std::chrono::seconds age);

    // Looks at the clocks once; the caller may look as often as it likes. Rows that were made
    // before the returned time were older than `age` at every look during at least the last
    // window(), by three clocks: the clock of the database, the clock of this process, and a
    // computed one. The computed time is the earlier of the first two at the first look, plus the
    // time that has passed since then on the steady clock. So a clock that jumps ahead deletes
    // nothing. After a clock was corrected, the worst effect is that rows live longer. nullopt:
    // nothing may be deleted now.
    std::optional<Instant> look(Instant database, Instant process, Steady now);

    // Whether the two clocks of the last look() differed by less than a minute. If not, one of them
    // is wrong, and look() returns nullopt.
    bool clocks_agree() const;
    // How far the database's clock was ahead of the process's clock at the last look().
    std::chrono::microseconds difference() const { return difference_; }

    // Ten minutes, or the age if it is shorter.
    std::chrono::seconds window() const;

private:
    const std::chrono::seconds age_;
    std::chrono::microseconds difference_{};
    struct Window {
        Steady begin{};
        Instant earliest = Instant::max();  // the earliest time that its looks computed
    };
    std::optional<Window> current_;
    std::optional<Instant> before_;  // `earliest` of the window before; empty in the first window
    Instant first_{};                // the earlier clock at the first look
    Steady first_at_{};
};

}  // namespace orderflow
