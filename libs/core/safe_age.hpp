#pragma once
// Which rows are old enough to be deleted, where any clock may be wrong for a while: a database
// whose clock is 26 hours ahead for three seconds must not forget a day of idempotency keys. Each
// loop that deletes by age owns one; pure, one thread.
#include <chrono>
#include <optional>

#include "core/time.hpp"

namespace orderflow {

class SafeAge {
public:
    using Steady = std::chrono::steady_clock::time_point;

    explicit SafeAge(std::chrono::seconds age);

    // One look at the clocks, as often as the caller likes. Rows that were made before the returned
    // time were older than `age` at every look for at least window(), by the database's clock, by
    // this process's, and by the earlier of the two at the first look plus the time that passed
    // since on the steady clock. So a clock that jumps ahead deletes nothing, and after a clock was
    // corrected rows live longer, at most. nullopt: nothing may be deleted now.
    std::optional<Instant> look(Instant database, Instant process, Steady now);

    // Whether the two clocks of the last look were less than a minute apart; otherwise one of them
    // is wrong and look() returns nullopt.
    bool clocks_agree() const;
    // How far the database's clock was ahead of the process's at the last look.
    std::chrono::microseconds difference() const { return difference_; }

    // Ten minutes, or the age where that is less.
    std::chrono::seconds window() const;

private:
    const std::chrono::seconds age_;
    std::chrono::microseconds difference_{};
    struct Window {
        Steady begin{};
        Instant earliest = Instant::max();  // of the times that its looks gave
    };
    std::optional<Window> current_;
    std::optional<Instant> before_;  // `earliest` of the window before; empty in the first
    Instant first_{};                // of the first look
    Steady first_at_{};
};

}  // namespace orderflow
