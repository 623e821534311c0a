#pragma once
// Commands that come by HTTP. Those that wait are carried out together, in one transaction, and
// each caller gets its own answer after the commit. The loop has a thread and a connection of its
// own; run() is awaited on the io thread. A command that fails makes no other command fail.
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/await_callback.hpp"
#include "core/batch_queue.hpp"
#include "core/pause.hpp"
#include "loops/context.hpp"
#include "loops/failures.hpp"
#include "outbox/command.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::loops {

// Limits of the wait while another command with the same key is in progress: time, and pause
// between two tries.
inline constexpr std::chrono::seconds kKeyPatience{2};
inline constexpr std::chrono::milliseconds kKeyRetry{50};

// The commands of a batch become the events of a batch, and these pass through the saga together:
// so they need not be gathered again in every service. From 40 commands per second on, a batch
// waits: for 80 ms, or for 24 commands, but for these at least 25 ms. Examples: at 200 per second a
// batch has 16 commands after 80 ms, at 480 per second 24 after 50 ms, at 2,000 per second 50 after
// 25 ms. A few clients that wait for their answers send no more meanwhile: so it also ends 20 to 40
// ms after the last command.
inline constexpr GatherLimits kCommandGather{.max_records = 500,
                                             .gather_rate = 40,
                                             .gather_time = std::chrono::milliseconds{80},
                                             .gather_records = 24,
                                             .gather_least = std::chrono::milliseconds{25},
                                             .gather_gap = std::chrono::milliseconds{20}};

template <class Command, class Outcome>
class CommandLoop {
public:
    using Answer = outbox::Answer<Outcome>;

    // What the loop does on its thread and its connection.
    struct Steps {
        // Carries out commands in a transaction.
        outbox::Apply<Command, Outcome> apply;
        // After a failed transaction of which nobody knows whether it was committed: fills in the
        // answers that the database knows; the others stay `unknown`. May throw. Empty: every
        // command can be sent again.
        std::function<void(std::span<Command* const>, std::span<Answer>)> look_up = {};
        // Returns how long to pause after a commit; a stop request ends the pause. Empty: no pause.
        std::function<std::chrono::milliseconds()> pause = {};
    };
    // Makes the steps, once, on the loop's thread; the connection outlives them.
    using MakeSteps = std::function<Steps(postgres::Connection&)>;

    // `name` is the loop's name in `orderflow_loop_failures_total` and in the log. `capacity`:
    // commands that may wait.
    CommandLoop(const char* name, const Context& context, std::size_t capacity,
                MakeSteps make_steps)
        : database_(context.database),
          queue_(capacity, kCommandGather),
          thread_([this, name, context, make_steps = std::move(make_steps)](
                      const std::stop_token& stop) { work(stop, name, context, make_steps); }) {}
    ~CommandLoop() { stop(); }

    // Waits until the command is committed; tries again while another command with its key is in
    // progress. `full`: the queue is full, or the schema is not there yet. `unknown`: also if there
    // was no answer in time (kAnswerWithin).
    boost::asio::awaitable<Answer> run(Command command) {
        namespace asio = boost::asio;
        const auto shared = std::make_shared<Command>(std::move(command));
        asio::steady_timer timer(co_await asio::this_coro::executor);
        const auto give_up = std::chrono::steady_clock::now() + kKeyPatience;
        for (;;) {
            auto start = [this, &shared](std::function<void(Answer)> done) {
                Item item(shared, done);
                if (!submit(std::move(item))) done(Answer{outbox::Fate::full, {}});
            };
            auto answered = co_await await_callback<Answer>(std::move(start));
            Answer answer = std::move(answered).value_or(Answer{});
            const bool busy = answer.fate == outbox::Fate::busy;
            if (!busy || std::chrono::steady_clock::now() >= give_up) co_return answer;
            timer.expires_after(kKeyRetry);
            co_await timer.async_wait(asio::use_awaitable);
        }
    }

    // The loop goes on, because requests in progress may still send commands. But it no longer
    // waits for a database that is unavailable.
    void request_stop() { thread_.request_stop(); }
    // Accepts no more commands, carries out the queued commands, then ends. Without a database it
    // drops them, and their callers get no answer. Blocks.
    void stop() {
        queue_.close();
        request_stop();
        if (thread_.joinable()) thread_.join();
    }

private:
    struct Item {
        Item(std::shared_ptr<Command> what, std::function<void(Answer)> callback)
            : command(std::move(what)), done(std::move(callback)) {}

        std::shared_ptr<Command> command;
        std::function<void(Answer)> done;  // called on the loop's thread, once
    };

    bool submit(Item&& item) {
        return (!database_ || database_->is_open()) && queue_.push(std::move(item));
    }

    void work(const std::stop_token& stop, const char* name, const Context& context,
              const MakeSteps& make_steps) {
        if (!context.await_database(stop)) return;
        auto& failures = failure_counter(context.registry, name);
        postgres::Connection connection(context.database_url);
        outbox::PostgresUnitOfWork unit(connection, context.service, context.relay_feed);
        const Steps steps = make_steps(connection);
        bool away = false;  // the database was unavailable at its last use
        while ((!queue_.closed() || queue_.size() > 0) && !(away && stop.stop_requested())) {
            std::vector<Item> batch = queue_.take(std::chrono::milliseconds{500});
            away = away && batch.empty();
            const auto failed = [&](std::span<Item> items, bool unavailable) {
                away = unavailable;
                failures.Increment();
                report_failure(name, connection);
                if (!away) {
                    answer(items, std::vector<Answer>(items.size(), {outbox::Fate::failed, {}}));
                } else if (!stop.stop_requested()) {
                    look_up(steps, items, name, connection);
                }
            };
            if (!batch.empty()) commit(stop, steps, unit, std::span(batch), failed);
        }
    }

    static std::vector<Command*> commands_of(std::span<const Item> items) {
        std::vector<Command*> commands;
        commands.reserve(items.size());
        for (const Item& item : items) commands.push_back(item.command.get());
        return commands;
    }

    // Halves commands that fail because of one of them, down to the guilty command, so that no
    // command fails because of another. Not bisect(): each caller must get exactly one answer, also
    // if the database becomes unavailable between two halves.
    template <class Failed>
    static void commit(const std::stop_token& stop, const Steps& steps, outbox::UnitOfWork& unit,
                       std::span<Item> items, const Failed& failed) {
        std::vector<Answer> answers;
        bool committed = true;
        try {
            const std::vector<Command*> commands = commands_of(items);
            outbox::run_transaction(unit, [&](Instant now, outbox::BatchOutput& out) {
                answers.assign(items.size(), Answer{outbox::Fate::done, {}});
                return steps.apply(commands, now, out, answers);
            });
        } catch (const std::exception& error) {
            const bool unavailable = outbox::is_unavailable(error);
            if (items.size() == 1 || unavailable) return failed(items, unavailable);
            committed = false;
        }
        if (!committed) {
            commit(stop, steps, unit, items.first(items.size() / 2), failed);
            commit(stop, steps, unit, items.subspan(items.size() / 2), failed);
            return;
        }
        answer(items, std::move(answers));
        const auto rest = steps.pause ? steps.pause() : std::chrono::milliseconds{0};
        if (rest.count() > 0) pause(stop, rest);
    }

    // Nobody knows whether they were committed.
    static void look_up(const Steps& steps, std::span<Item> items, const char* name,
                        postgres::Connection& connection) noexcept {
        std::vector<Answer> answers(items.size());
        try {
            if (steps.look_up) steps.look_up(commands_of(items), answers);
        } catch (const std::exception&) {  // still unavailable: the outcome stays unknown
            report_failure(name, connection);
        }
        answer(items, std::move(answers));
    }

    static void answer(std::span<Item> items, std::vector<Answer> answers) {
        for (std::size_t i = 0; i < items.size(); ++i) items[i].done(std::move(answers[i]));
    }

    const Gate* const database_;
    BatchQueue<Item> queue_;
    std::jthread thread_;
};

}  // namespace orderflow::loops
