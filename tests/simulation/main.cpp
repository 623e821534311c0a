// The simulator's command line: runs seeds, or mutants until each is caught. The guide is
// docs/simulation.md.
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "simulation/mutants.hpp"
#include "simulation/simulation.hpp"

namespace orderflow::simulation {
namespace {

constexpr std::uint64_t kSeedsForEveryPoint = 2'000;
constexpr std::uint64_t kReplayed = 20;  // seeds that are run twice to compare the two runs

struct Options {
    std::uint64_t seeds = 2'000;
    std::uint64_t seed = 1;        // the first
    std::uint64_t at_least = 300;  // seeds that run however long they take
    unsigned within_s = 0;         // no seed starts after that; 0: no limit
    std::string mutant = "none";
    bool mutants = false;
    bool list_mutants = false;
    bool verbose = false;
    bool digest = false;
};

// Prints a failure: how to reproduce it, which invariant is broken, and the history of the order.
void print_failure(const Outcome& outcome, Mutant mutant, Points& points, bool whole_trace) {
    const Violation& violation = *outcome.violation;
    Simulation again(outcome.seed, mutant, true, points);
    again.run();
    std::cout << "VIOLATION  --seed " << outcome.seed << " --seeds 1 --mutant "
              << mutants::name_of(mutant) << "  step " << outcome.steps << "\n"
              << "  " << violation.invariant
              << (violation.detail.empty() ? "" : " -- " + violation.detail) << "\n";
    if (violation.order) std::cout << "  order " << again.trace().name_of(*violation.order) << "\n";
    std::cout << outcome.history;
    if (whole_trace) {
        again.trace().print_all(std::cout);
    } else {
        again.trace().print(std::cout, violation.order);
    }
}

// Runs seeds until one fails or the time is over. Returns how many ran; nothing if one failed.
std::optional<std::uint64_t> run_seeds(const Options& options, Mutant mutant, Points& points) {
    const auto begun = std::chrono::steady_clock::now();
    const auto late = [&] {
        return options.within_s > 0 &&
               std::chrono::steady_clock::now() > begun + std::chrono::seconds{options.within_s};
    };
    std::size_t orders = 0, completed = 0, steps = 0;
    std::uint64_t hash = 0, i = 0;
    for (; i < options.seeds && (i < options.at_least || !late()); ++i) {
        const std::uint64_t seed = options.seed + i;
        Simulation simulation(seed, mutant, false, points);
        Outcome outcome = simulation.run();
        outcome.seed = seed;
        orders += outcome.orders, completed += outcome.completed, steps += outcome.steps;
        hash = hash * 31 + outcome.hash;
        if (i < kReplayed && Simulation(seed, mutant, true, points).run().hash != outcome.hash) {
            std::cout << "seed " << seed << " does not reproduce its run\n";
            return std::nullopt;
        }
        if (outcome.violation) {
            print_failure(outcome, mutant, points, options.verbose);
            return std::nullopt;
        }
        if (options.verbose && options.seeds == 1) {
            Simulation again(seed, mutant, true, points);
            again.run();
            again.trace().print_all(std::cout);
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    if (i < options.seeds) {
        std::cout << "not run: " << options.seeds - i << " of " << options.seeds << " seeds\n";
    }
    std::cout << i << " seeds, " << orders << " orders, " << completed << " completed, " << steps
              << " steps, " << took.count() << " s, trace " << std::hex << hash << std::dec << "\n";
    return i;
}

// Runs each mutant until it is caught. Returns whether all were caught.
bool run_mutants(const Options& options, Points& points) {
    std::size_t survivors = 0;
    for (const auto& [mutant, what] : mutants::all()) {
        std::uint64_t seed = options.seed;
        std::optional<Violation> caught;
        for (; !caught && seed < options.seed + options.seeds; ++seed) {
            Simulation simulation(seed, mutant, false, points);
            caught = simulation.run().violation;
        }
        std::cout << mutants::name_of(mutant) << ": ";
        if (caught) {
            std::cout << "caught by seed " << seed - 1 << ": " << caught->invariant << "\n";
        } else {
            std::cout << "SURVIVED " << options.seeds << " seeds\n";
            ++survivors;
        }
    }
    return survivors == 0;
}

std::optional<Mutant> mutant_named(const std::string& name) {
    if (name == "none") return Mutant::none;
    for (const auto& [mutant, what] : mutants::all()) {
        if (mutants::name_of(mutant) == name) return mutant;
    }
    return std::nullopt;
}

// Prints one hash over the outcomes of all seeds. It is equal before and after a change that must
// not change behaviour. Every seed runs, however long that takes. Returns false if a seed broke an
// invariant.
bool print_digest(const Options& options) {
    std::uint64_t digest = 0xcbf29ce484222325u;  // FNV-1a
    const auto mix = [&digest](std::uint64_t value) { digest = (digest ^ value) * 0x100000001b3u; };
    Points points;
    for (std::uint64_t seed = options.seed; seed < options.seed + options.seeds; ++seed) {
        const Outcome outcome = Simulation(seed, Mutant::none, false, points).run();
        if (outcome.violation) {
            std::cout << "seed " << seed << " broke " << outcome.violation->invariant << "\n";
            return false;
        }
        for (const std::uint64_t value :
             {seed, outcome.hash, std::uint64_t{outcome.steps}, std::uint64_t{outcome.orders},
              std::uint64_t{outcome.completed}}) {
            mix(value);
        }
    }
    std::cout << "digest of " << options.seeds << " seeds from " << options.seed << ": " << std::hex
              << digest << std::dec << "\n";
    return true;
}

int run(const Options& options) {
    if (options.list_mutants) {
        for (const auto& [mutant, what] : mutants::all()) {
            std::cout << mutants::name_of(mutant) << ": " << what << "\n";
        }
        return 0;
    }
    const auto mutant = mutant_named(options.mutant);
    if (!mutant) {
        std::cerr << "no such mutant: " << options.mutant << " (see --list-mutants)\n";
        return 2;
    }
    if (options.digest) return print_digest(options) ? 0 : 1;
    Points points;
    if (options.mutants) return run_mutants(options, points) ? 0 : 1;
    const auto seeds = run_seeds(options, *mutant, points);
    if (!seeds) return 1;
    points.print(std::cout);
    if (points.never_reached() == 0 || *seeds < kSeedsForEveryPoint) return 0;
    std::cout << points.never_reached() << " crash points were never reached\n";
    return 1;
}

}  // namespace
}  // namespace orderflow::simulation

int main(int argc, char** argv) {
    orderflow::simulation::Options options;
    CLI::App app(
        "Runs the saga's production code over a simulated clock, broker, database and "
        "gateway");
    const auto* seeds = app.add_option("--seeds", options.seeds,
                                       "how many runs, of each mutant at most "
                                       "(default: 2000; 1 with --seed alone)")
                            ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{100'000'000}));
    const auto* seed = app.add_option("--seed", options.seed, "the first run's seed (default: 1)");
    app.add_option("--within", options.within_s, "seconds; then no further seed is begun")
        ->envname("ORDERFLOW_WITHIN_S");
    app.add_option("--at-least", options.at_least, "seeds that run even so (default: 300)");
    app.add_option("--mutant", options.mutant, "plants a mistake, to see it caught");
    app.add_flag("--mutants", options.mutants, "each mutant until it is caught");
    app.add_flag("--list-mutants", options.list_mutants, "names of the mutants");
    app.add_flag("--digest", options.digest,
                 "prints one hash over the outcomes of all seeds, and runs every one of them");
    app.add_flag("--verbose", options.verbose, "of one seed, or after a failure: the whole trace");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (*seed && !*seeds && !options.mutants) options.seeds = 1;
    return orderflow::simulation::run(options);
}
