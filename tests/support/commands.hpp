#pragma once
// Commands as a CommandLoop carries them out, but without a loop: used by the unit and component
// tests and by the simulator. And callers of a loop, as HTTP handlers are. One thread.
#include <functional>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "loops/command_loop.hpp"
#include "outbox/command.hpp"

namespace orderflow::test {

// Carries out the commands in the caller's transaction; nullopt: the compare-and-set was lost.
template <class Command, class Outcome>
std::optional<std::vector<outbox::Answer<Outcome>>> apply(
    const outbox::Apply<Command, Outcome>& apply_all, std::vector<Command>& commands, Instant now,
    outbox::BatchOutput& out) {
    std::vector<Command*> pointers;
    for (Command& command : commands) pointers.push_back(&command);
    std::vector<outbox::Answer<Outcome>> answers(commands.size(),
                                                 outbox::Answer<Outcome>{outbox::Fate::done, {}});
    if (!apply_all(pointers, now, out, answers)) return std::nullopt;
    return answers;
}

// Carries out the commands in a transaction of their own. Throws as run_transaction() does.
template <class Command, class Outcome>
std::vector<outbox::Answer<Outcome>> carry_out(outbox::UnitOfWork& work,
                                               const outbox::Apply<Command, Outcome>& apply_all,
                                               std::vector<Command>& commands) {
    std::vector<outbox::Answer<Outcome>> answers;
    outbox::run_transaction(work, [&](Instant now, outbox::BatchOutput& out) {
        auto applied = apply(apply_all, commands, now, out);
        if (applied) answers = std::move(*applied);
        return applied.has_value();
    });
    return answers;
}

// Requests in progress on an io thread, which is the test's own.
class Callers {
public:
    // The command is in the loop's queue when this returns.
    template <class Command, class Outcome>
    void send(loops::CommandLoop<Command, Outcome>& loop, Command command,
              std::function<void(outbox::Answer<Outcome>)> hear) {
        boost::asio::co_spawn(
            io_, loop.run(std::move(command)),
            [hear = std::move(hear)](std::exception_ptr error, outbox::Answer<Outcome> answer) {
                if (error) std::rethrow_exception(error);
                hear(std::move(answer));
            });
        listen();
    }

    // Hears the answers that are there.
    void listen() {
        io_.restart();
        io_.poll();
    }

    // Hears every answer.
    void wait() {
        io_.restart();
        io_.run();
    }

private:
    boost::asio::io_context io_;
};

}  // namespace orderflow::test
