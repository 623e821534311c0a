#pragma once
// One run: a shop of two processes of each service, driven step by step by a scheduler that draws
// from the seed. First there are faults for some thousand steps. Then everything heals, and the run
// must come to rest. Then everything that was ever sent is delivered again and must change nothing.
// One thread.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/invariants.hpp"
#include "simulation/members.hpp"
#include "simulation/process.hpp"

namespace orderflow::simulation {

// How a run ended.
struct Outcome {
    std::uint64_t seed = 0;
    std::uint64_t hash = 0;  // of the trace
    std::size_t steps = 0;
    std::size_t orders = 0;
    std::size_t completed = 0;
    std::optional<Violation> violation;
    std::string history;  // of the order that violates an invariant, from the ledgers
};

class Simulation {
public:
    Simulation(std::uint64_t seed, Mutant mutant, bool recording, Points& points);

    Outcome run();
    const Trace& trace() const { return world_.trace; }

private:
    void strike();
    void heal();
    void come_to_rest();
    void deliver_everything_again();

    // Runs one randomly chosen step.
    void step();
    void step_of_process();
    void interleave(const Place& place);
    void step_near(const Place& place);
    void disturb();
    void restart_one();
    void republish();
    void hold();
    void alter_topic();
    void refuse_announcements();
    void plant();
    void plant_unreadable();
    void plant_orphan();
    void plant_cancellation();
    void pass(std::chrono::milliseconds at_most);

    bool run_all();
    std::chrono::seconds patience();
    bool at_rest();
    std::string unfinished();
    std::size_t events_so_far();

    World world_;
    Shop shop_;
    Invariants invariants_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::size_t steps_ = 0;
    int depth_ = 0;  // of steps inside steps
};

}  // namespace orderflow::simulation
