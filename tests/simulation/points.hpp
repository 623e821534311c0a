#pragma once
// Crash points: the places in the code where a fault may happen, one at each call of a port. Each
// has a name, service.step.effect, and is reached before the effect, unless the effect is named
// `after_...`. points.cpp lists all points, so that a point that is never reached is noticed. One
// thread.
#include <array>
#include <cstdint>
#include <iosfwd>
#include <string>

#include <boost/describe/enum.hpp>

#include "events/catalog.hpp"

namespace orderflow::simulation {

// The activity of a process: each is one call of a step of production code.
BOOST_DEFINE_ENUM_CLASS(Step, accept, cancel, deadline, catalogue, settle, consume, retry, results,
                        recovery, call, relay)

BOOST_DEFINE_ENUM_CLASS(Effect, poll, begin, blocked, take_due, scan, load, lock, save, park,
                        retried, append, before_commit, after_commit, offsets, submit, before_post,
                        after_post, lead, read, produce, before_checkpoint, after_checkpoint)

inline constexpr std::size_t kSteps = 11;
inline constexpr std::size_t kEffects = 22;

struct Point {
    events::Service service{};
    Step step{};
    Effect effect{};
};

// Counts how often each point was reached and which faults happened there, over all seeds of a
// program run.
class Points {
public:
    struct Count {
        std::uint64_t reached = 0;
        std::uint64_t crashed = 0;       // the process died there
        std::uint64_t disconnected = 0;  // its database connection broke there
        std::uint64_t interrupted = 0;   // other processes ran there
    };

    // Throws std::logic_error for a point that points.cpp does not list.
    Count& at(const Point& point);

    void print(std::ostream& out) const;
    std::size_t never_reached() const;

private:
    std::array<Count, events::kServiceNames.size() * kSteps * kEffects> counts_{};
};

std::string to_string(const Point& point);

}  // namespace orderflow::simulation
