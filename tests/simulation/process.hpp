#pragma once
// One instance of a service: memory that dies with it, and the loops that work on it. Each loop is
// the body of a thread of the production code, split into single steps. One thread runs them all.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "simulation/world.hpp"

namespace orderflow::simulation {

// A loop's next step. It returns false if it found nothing to do.
struct Loop {
    std::function<bool()> step;
    bool on_stack = false;
};

class Memory {
public:
    virtual ~Memory() = default;
    std::vector<Loop> loops;
    // Whether no work is left, as far as the memory shows.
    virtual bool idle() const = 0;
};

class Process final : public Victim {
public:
    using Build = std::function<std::unique_ptr<Memory>(const Victim&, const std::string& name)>;

    Process(World& world, events::Service service, std::string name, Build build)
        : world_(world), service_(service), name_(std::move(name)), build_(std::move(build)) {}

    events::Service service() const { return service_; }
    const std::string& name() const { return name_; }
    bool up() const { return memory_ != nullptr; }
    bool doomed() const override { return doomed_; }
    bool frozen() const override { return world_.now < frozen_until_; }
    bool idle() const { return memory_ && memory_->idle(); }

    void start();
    // Like SIGKILL. A process with a step on the stack dies as soon as that step is left.
    void kill();
    void freeze(std::chrono::milliseconds time) { frozen_until_ = world_.now + time; }
    void thaw() { frozen_until_ = world_.now; }

    std::size_t loops() const { return memory_ ? memory_->loops.size() : 0; }
    // Runs one step of a loop; returns false if it cannot run now or found nothing to do.
    bool run(std::size_t loop);

private:
    World& world_;
    const events::Service service_;
    const std::string name_;
    const Build build_;
    std::unique_ptr<Memory> memory_;
    int steps_on_stack_ = 0;
    bool doomed_ = false;
    Instant frozen_until_{};
};

}  // namespace orderflow::simulation
