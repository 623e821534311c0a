#pragma once
// The bridge between coroutines and SQL: a few threads, each with its own connection, run small
// read jobs for HTTP handlers. This is not SOCI's pool, which waits without a limit and does not
// replace broken connections. This pool has a bounded queue and drops a connection that failed.
// Thread-safe.
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "core/attempt.hpp"
#include "core/await_callback.hpp"
#include "core/batch_queue.hpp"
#include "core/gate.hpp"
#include "core/unavailable.hpp"
#include "postgres/connection.hpp"

namespace orderflow::postgres {

class Pool {
public:
    // `capacity`: how many jobs may wait. While `gate` is closed no job is accepted; null: there is
    // no gate. `profile`: of all its connections, so reports need a pool of their own, by planner.
    Pool(Url url, std::size_t threads, std::size_t capacity, const Gate* gate = nullptr,
         Profile profile = Profile::by_key);
    ~Pool();

    // Drops the jobs in the queue; the destructor waits for the running ones.
    void request_stop();

    // Runs `work(Connection&)` on a pool thread and resumes the caller on its own executor with the
    // result (default-constructible). If `work` finds its connection broken, because the database
    // was restarted since the last use, it runs again on a new connection: so it must only read.
    // Throws Unavailable if the gate is closed, the queue is full, or the database is unavailable
    // or does not answer within `limit`; DatabaseError for any other failure of the database.
    // `work` may still run after the call has ended.
    template <class Work, class T = std::invoke_result_t<Work, Connection&>>
    boost::asio::awaitable<T> run(Work work, std::chrono::milliseconds limit = kAnswerWithin) {
        if (gate_ && !gate_->is_open()) throw Unavailable("the schema is not ready yet");
        auto start = [this, work = std::move(work)](std::function<void(Attempt<T>)> done) mutable {
            Job job = [done, work = std::move(work)](Connection& connection) {
                done(try_on<T>(connection, work));
            };
            if (!jobs_.push(std::move(job))) {
                Attempt<T> full;
                full.error = std::make_exception_ptr(Unavailable("database queue is full"));
                done(std::move(full));
            }
        };
        auto attempt = co_await await_callback<Attempt<T>>(std::move(start), limit);
        if (!attempt) throw Unavailable("the database does not answer");
        co_return std::move(*attempt).take();
    }

private:
    using Job = std::function<void(Connection&)>;

    template <class T, class Work>
    static Attempt<T> try_on(Connection& connection, const Work& work) {
        Attempt<T> attempt;
        for (bool again = connection.connected();; again = false) {
            try {
                attempt.value = work(connection);
                return attempt;
            } catch (...) {
                if (again && lost(connection)) continue;
                attempt.error = translate(connection);
                return attempt;
            }
        }
    }

    // Whether the current exception means that the connection is broken; if so, drops the
    // connection.
    static bool lost(Connection& connection);
    // The exception that the caller gets for the current one; drops the connection.
    static std::exception_ptr translate(Connection& connection);
    void work(std::stop_token stop);

    Url url_;
    const Profile profile_;
    const Gate* const gate_;
    BatchQueue<Job> jobs_;
    std::vector<std::jthread> threads_;  // last: they use everything above
};

}  // namespace orderflow::postgres
