#include "simulation/process.hpp"

namespace orderflow::simulation {

void Process::start() {
    world_.note(name_, " starts");
    memory_ = build_(*this, name_);
}

void Process::kill() {
    if (!memory_) return;
    if (steps_on_stack_ > 0) {
        doomed_ = true;
        return;
    }
    world_.note(name_, " dies");
    doomed_ = false;
    memory_.reset();
}

bool Process::run(std::size_t index) {
    if (!memory_ || doomed_ || frozen()) return false;
    Loop& loop = memory_->loops[index];
    if (loop.on_stack) return false;
    loop.on_stack = true;
    ++steps_on_stack_;
    bool busy = true;
    try {
        busy = loop.step();
    } catch (const Crash&) {
        doomed_ = true;
    }
    --steps_on_stack_;
    loop.on_stack = false;
    if (doomed_) kill();
    return busy;
}

}  // namespace orderflow::simulation
