#pragma once
// The threads around the steps: a consumer loop around Consumer and retry_due(), and a loop for
// work that comes by a queue; the relay's are in relay_loop.hpp. Each is a jthread with its own
// connection and catches at its top and counts. A consumed batch that failed is run again, never
// skipped; work from a queue is answered as failed, each item for its own fault only.
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include "core/batch_queue.hpp"
#include "core/gate.hpp"
#include "core/pulse.hpp"
#include "core/start_steps.hpp"
#include "messaging/backoff.hpp"
#include "messaging/batch.hpp"
#include "messaging/kafka.hpp"
#include "messaging/outbox.hpp"
#include "messaging/relay_loop.hpp"

namespace orderflow::messaging {

// What the loops of one service share.
struct LoopContext {
    events::Service service{};
    postgres::Url database_url;
    KafkaSettings kafka;
    prometheus::Registry& registry;
    Bell& bell;
    // What a loop waits for before it begins; null: it is there. A loop that waits for nothing but
    // its database asks for `database` only.
    const Gate* database = nullptr;
    const Gate* topics = nullptr;
    StartSteps* start_steps = nullptr;  // shows what is not done yet, if anybody asks
    OnFetch on_fetch = {};              // of all consumers, each on its own thread
    Pulse* kafka_pulse = nullptr;       // beats when the brokers answer, if anybody looks

    // Block until it is there, or a stop is asked for: then false.
    bool await_database(const std::stop_token& stop) const {
        return !database || database->wait(stop);
    }
    bool await_all(const std::stop_token& stop) const {
        return await_database(stop) && (!topics || topics->wait(stop));
    }
};

// Makes the handler that works on a loop's own connection.
using HandlerFactory = std::function<std::unique_ptr<BatchHandler>(postgres::Connection&)>;

// A service's handler together with the store it works on.
template <class Service, class Store>
class StoreHandler final : public BatchHandler {
public:
    template <class... Rest>
    explicit StoreHandler(std::unique_ptr<Store> store, Rest&&... rest)
        : store_(std::move(store)), service_(*store_, std::forward<Rest>(rest)...) {}

    bool handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) override {
        return service_.handle(now, batch, out);
    }
    void committed() override { service_.committed(); }

private:
    std::unique_ptr<Store> store_;
    Service service_;
};

class ConsumerLoop {
public:
    ConsumerLoop(const LoopContext& context, HandlerFactory make_handler, GatherLimits limits = {},
                 FetchSettings fetch = {});
    // The transaction under way is finished, what is processed is committed, the member leaves the
    // group. A batch in hand that is not begun comes again, here or elsewhere.
    void request_stop();
    void join();

private:
    void run(std::stop_token stop, LoopContext context, HandlerFactory make_handler,
             GatherLimits limits, FetchSettings fetch);
    std::jthread thread_;
};

using ConsumerLoops = std::vector<std::unique_ptr<ConsumerLoop>>;

// Logs the current exception and drops the connection: the next attempt gets a new one.
void report_failure(const char* where, postgres::Connection& connection);

// Counts failures of one kind of loop.
prometheus::Counter& failure_counter(prometheus::Registry& registry, const char* loop);

// Work that comes by HTTP: concurrent requests are committed together, on the loop's own
// connection, and each caller is told after the commit.
template <class T>
class QueueLoop {
public:
    class Worker {
    public:
        virtual ~Worker() = default;
        // Commits the items and tells each caller. Throws if they could not be committed, or if
        // nobody knows whether they were; then nobody is told.
        virtual void run(UnitOfWork& work, std::span<T> items) = 0;
        // After run() has thrown: tells each caller what became of it. Must not throw.
        virtual void fail(std::span<T> items) noexcept = 0;
    };
    using MakeWorker = std::function<std::unique_ptr<Worker>(postgres::Connection&)>;

    // `capacity`: items that may wait.
    QueueLoop(const char* name, const LoopContext& context, std::size_t capacity,
              MakeWorker make_worker)
        : database_(context.database),
          queue_(capacity),
          thread_([this, name, context, make_worker = std::move(make_worker)](
                      std::stop_token stop) { run(stop, name, context, make_worker); }) {}
    ~QueueLoop() { stop(); }

    // False: the queue is full, or the schema is not there yet; `item` is untouched.
    bool submit(T&& item) {
        return (!database_ || database_->is_open()) && queue_.push(std::move(item));
    }

    // Commits what is queued, then ends; without a database it is dropped, and nobody is told any
    // more.
    void request_stop() {
        queue_.close();
        thread_.request_stop();
    }
    // The same. Blocks.
    void stop() {
        request_stop();
        if (thread_.joinable()) thread_.join();
    }

private:
    void run(std::stop_token stop, const char* name, const LoopContext& context,
             const MakeWorker& make_worker) {
        if (!context.await_database(stop)) return;
        auto& failures = failure_counter(context.registry, name);
        postgres::Connection connection(context.database_url);
        PostgresUnitOfWork work(connection, context.service, context.bell);
        const auto worker = make_worker(connection);
        bool away = false;  // the database, when it was needed last
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
            return is_unreachable(error);
        }
    }

    // Halves what fails because of what it holds, down to the guilty item, so that nobody's request
    // fails with another's. Not bisect(): each caller is told once, also when the database goes out
    // of reach between two halves.
    template <class Failed>
    static void commit(Worker& worker, UnitOfWork& work, std::span<T> items, const Failed& failed) {
        try {
            return worker.run(work, items);
        } catch (const std::exception& error) {
            if (items.size() == 1 || is_unreachable(error)) return failed(items);
        }
        commit(worker, work, items.first(items.size() / 2), failed);
        commit(worker, work, items.subspan(items.size() / 2), failed);
    }

    const Gate* const database_;
    BatchQueue<T> queue_;
    std::jthread thread_;
};

}  // namespace orderflow::messaging
