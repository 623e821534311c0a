#pragma once
// The state that all parts of one run share: the clock, the random numbers, the trace, and the
// place where faults happen. A run is single-threaded and owns its World.
#include <functional>
#include <optional>
#include <string>

#include <boost/describe/enum.hpp>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "simulation/points.hpp"
#include "simulation/random.hpp"
#include "simulation/trace.hpp"

namespace orderflow::simulation {

// The process dies. Not derived from std::exception on purpose: production code must not catch it.
struct Crash {};

// An invariant does not hold: the run ends. Not derived from std::exception for the same reason.
struct Violation {
    std::string invariant;
    std::string detail;
    std::optional<OrderId> order;
};

// Mistakes planted in the code, as decorators of its ports: see mutants.hpp.
BOOST_DEFINE_ENUM_CLASS(Mutant, none, save_ignores_version, not_found_means_not_charged,
                        timeout_means_declined, refusal_leaves_no_row, no_tombstone,
                        batch_decides_against_loaded_state, relay_confirms_before_report,
                        checkpoint_above_unreported_event, cancelled_after_two_answers,
                        charge_before_intent, calls_lost_without_recovery,
                        offsets_before_transaction, events_out_of_order, parked_do_not_block,
                        failed_record_dropped, failed_retry_unparks, orphan_dropped,
                        whole_batch_parked, inventory_without_tombstone, recent_payments_overlooked,
                        markers_count_as_lag, reset_position_not_committed,
                        offsets_outlive_their_log, deadline_knows_old_partitions,
                        create_overwrites_stock, adjustment_made_again, hold_overlooked,
                        announcements_share_the_sagas_lane)

// How often faults happen in this run, drawn from the seed: some runs have few faults, some have
// many, and in each run some kinds of faults are missing. crash, disconnect and interrupt: per
// 10,000 at each crash point; the others: percent.
struct Faults {
    int crash = 0;
    int disconnect = 0;
    int interrupt = 0;
    int lose_offsets = 0;      // a commit of offsets is lost
    int unfair_rebalance = 0;  // each partition is assigned on its own
    int poison = 0;            // a record cannot be handled for a while
    int broker = 0;            // a send of a relay goes wrong
    int refusing = 0;          // a topic of announcements rejects all, some for ever
    int gateway = 0;           // an exchange with the gateway goes wrong

    static Faults draw(Random& random);
};

// One instance of a service, as the faults see it.
class Victim {
public:
    virtual ~Victim() = default;
    // It is to die, but one of its steps is still on the stack.
    virtual bool doomed() const = 0;
    // It is stopped, as if by SIGSTOP.
    virtual bool frozen() const = 0;
};

// The place of a step: the process, its service, and the step.
struct Place {
    const Victim* victim = nullptr;
    events::Service service{};
    Step step{};
};

struct World {
    World(std::uint64_t seed, Mutant planted, bool recording, Points& all_points)
        : random(seed), trace(recording), mutant(planted), points(all_points), ids(random.next()) {}

    Random random;
    Trace trace;
    const Mutant mutant;
    Points& points;
    IdSource ids;
    Instant now{std::chrono::microseconds{1'767'323'045'000'000}};
    Faults faults;  // none before the run begins and after it heals
    // Lets other processes run; set by the scheduler.
    std::function<void(const Place&)> interleave;

    // A crash point: counts it, and lets a random fault happen. Throws Crash.
    void reach(const Place& place, Effect effect);
    // The same at a point where the database connection may break, too: throws DatabaseError.
    void reach_database(const Place& place, Effect effect);

    std::chrono::steady_clock::time_point steady_now() const {
        return std::chrono::steady_clock::time_point(now.time_since_epoch());
    }

    template <class... Parts>
    void note(const Parts&... parts) {
        trace(now, parts...);
    }

    [[noreturn]] void fail(const std::string& invariant, const std::string& detail,
                           std::optional<OrderId> order = std::nullopt) const {
        throw Violation{invariant, detail, order};
    }

private:
    void reach(const Place& place, Effect effect, int disconnect);
};

}  // namespace orderflow::simulation
