#pragma once
// A thread for work that comes by a queue. It has its own connection, catches exceptions at its
// top, and counts them. Each item gets an answer; an item fails only for its own fault.
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "core/batch_queue.hpp"
#include "loops/failures.hpp"
#include "loops/context.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::loops {

// Work that comes by HTTP: concurrent requests are committed together, on the loop's own
// connection, and each caller gets its answer after the commit.
template <class T>
class QueueLoop {
public:
    class Worker {
    public:
        virtual ~Worker() = default;
        // Commits the items and answers each caller. Throws if they could not be committed, or if
        // it is unknown whether they were; then no caller has an answer.
        virtual void run(outbox::UnitOfWork& work, std::span<T> items) = 0;
        // After run() has thrown: answers each caller with the outcome. Must not throw.
        virtual void fail(std::span<T> items) noexcept = 0;
    };
    using MakeWorker = std::function<std::unique_ptr<Worker>(postgres::Connection&)>;

    // `capacity`: items that may wait.
    QueueLoop(const char* name, const Context& context, std::size_t capacity,
              MakeWorker make_worker)
        : database_(context.database),
          queue_(capacity),
          thread_([this, name, context, make_worker = std::move(make_worker)](
                      std::stop_token stop) { run(stop, name, context, make_worker); }) {}
    ~QueueLoop() { stop(); }

    // False: the queue is full, or the schema is not ready yet; `item` is untouched.
    bool submit(T&& item) {
        return (!database_ || database_->is_open()) && queue_.push(std::move(item));
    }

    // Continues, because running requests may still send items, but no longer waits for a database
    // that is unavailable.
    void request_stop() { thread_.request_stop(); }
    // Accepts no more items, commits the queued items, then ends. Without a database it drops them,
    // and their callers get no answer. Blocks.
    void stop() {
        queue_.close();
        request_stop();
        if (thread_.joinable()) thread_.join();
    }

private:
    void run(std::stop_token stop, const char* name, const Context& context,
             const MakeWorker& make_worker) {
        if (!context.await_database(stop)) return;
        auto& failures = failure_counter(context.registry, name);
        postgres::Connection connection(context.database_url);
        outbox::PostgresUnitOfWork work(connection, context.service, context.relay_wake_up);
        const auto worker = make_worker(connection);
        bool away = false;  // the database was unavailable at its last use
        while ((!queue_.closed() || queue_.size() > 0) && !(away && stop.stop_requested())) {
            std::vector<T> batch = queue_.take(std::chrono::milliseconds{500});
            away = away && batch.empty();
            const auto failed = [&](std::span<T> items) {
                away = is_unreachable_now();
                failures.Increment();
                report_failure(name, connection);
                if (!away || !stop.stop_requested()) worker->fail(items);
            };
            if (!batch.empty()) commit(*worker, work, std::span(batch), failed);
        }
    }

    // Of the exception that is being handled.
    static bool is_unreachable_now() {
        try {
            throw;
        } catch (const std::exception& error) {
            return outbox::is_unavailable(error);
        }
    }

    // Halves items that fail because of one of them, down to the guilty item, so that no request
    // fails because of another. Not bisect(): each caller must get exactly one answer, also if the
    // database becomes unavailable between two halves.
    template <class Failed>
    static void commit(Worker& worker, outbox::UnitOfWork& work, std::span<T> items,
                       const Failed& failed) {
        try {
            return worker.run(work, items);
        } catch (const std::exception& error) {
            if (items.size() == 1 || outbox::is_unavailable(error)) return failed(items);
        }
        commit(worker, work, items.first(items.size() / 2), failed);
        commit(worker, work, items.subspan(items.size() / 2), failed);
    }

    const Gate* const database_;
    BatchQueue<T> queue_;
    std::jthread thread_;
};

}  // namespace orderflow::loops
