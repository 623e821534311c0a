#pragma once
// The threads around the steps: a consumer loop around run_batch(), the relay loop around
// Relay::step(), and a loop for work that comes by a queue. Each is a jthread with its own
// connection; each catches at its top, counts, backs off and does the same work again: a batch is
// never skipped.
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <prometheus/registry.h>

#include "messaging/batch.hpp"
#include "core/batch_queue.hpp"
#include "messaging/kafka.hpp"
#include "messaging/outbox.hpp"

namespace orderflow::messaging {

// What the loops of one service share.
struct LoopContext {
    events::Service service{};
    std::string database_url;
    KafkaSettings kafka;
    prometheus::Registry& registry;
    Bell& bell;
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
    // Finishes the batch in hand, commits, leaves the group. Blocks.
    void stop();

private:
    void run(std::stop_token stop, LoopContext context, HandlerFactory make_handler,
             GatherLimits limits, FetchSettings fetch);
    std::jthread thread_;
};

class RelayLoop {
public:
    explicit RelayLoop(const LoopContext& context);
    // Publishes what is committed already, saves the checkpoint. Blocks.
    void stop();

private:
    void run(std::stop_token stop, LoopContext context);
    Bell& bell_;
    std::jthread thread_;
};

// How a failed attempt is reported and how long to wait before the next: 50 ms doubling to 5 s.
class Backoff {
public:
    std::chrono::milliseconds next();
    void reset() { wait_ = std::chrono::milliseconds{0}; }

private:
    std::chrono::milliseconds wait_{0};
};

// Logs and classifies the current exception; resets `connection` after a database failure. True:
// another batch won a deadlock, so that the work may be tried again at once.
bool report_failure(const char* where, postgres::Connection& connection);

// Runs `work(UnitOfWork&, batch)` for every batch of `queue` until the queue is closed and drained;
// a failed batch is handed to `failed(batch)`, which either answers the waiting callers or puts the
// work back. Used by the accept path and by payment's results.
template <class T, class Work, class Failed>
void run_queue(const char* name, BatchQueue<T>& queue, postgres::Connection& connection,
               Work work, Failed failed) {
    while (!queue.closed() || queue.size() > 0) {
        std::vector<T> batch = queue.take(std::chrono::milliseconds{500});
        if (batch.empty()) continue;
        try {
            work(batch);
        } catch (const std::exception&) {
            report_failure(name, connection);
            failed(batch);
        }
    }
}

}  // namespace orderflow::messaging
