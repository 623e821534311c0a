#pragma once
// The thread around the consumer's step and the retries of parked records. It has its own
// connection, catches at its top and counts; a batch that failed is run again, never skipped.
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "kafka/delivery.hpp"
#include "kafka/settings.hpp"
#include "loops/batch.hpp"
#include "loops/context.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::loops {

// Makes the handler that works on a loop's own connection.
using HandlerFactory = std::function<std::unique_ptr<BatchHandler>(postgres::Connection&)>;

// A service's handler together with the store it works on.
template <class Service, class Store>
class StoreHandler final : public BatchHandler {
public:
    template <class... Rest>
    explicit StoreHandler(std::unique_ptr<Store> store, Rest&&... rest)
        : store_(std::move(store)), service_(*store_, std::forward<Rest>(rest)...) {}

    bool handle(Instant now, std::span<const kafka::Delivery> batch,
                outbox::BatchOutput& out) override {
        return service_.handle(now, batch, out);
    }
    void committed() override { service_.committed(); }

private:
    std::unique_ptr<Store> store_;
    Service service_;
};

class ConsumerLoop {
public:
    ConsumerLoop(const Context& context, HandlerFactory make_handler, GatherLimits limits = {},
                 kafka::FetchSettings fetch = {});
    // The transaction under way is finished, what is processed is committed, the member leaves the
    // group. A batch in hand that is not begun comes again, here or elsewhere.
    void request_stop();
    void join();

private:
    void run(std::stop_token stop, Context context, HandlerFactory make_handler,
             GatherLimits limits, kafka::FetchSettings fetch);
    std::jthread thread_;
};

using ConsumerLoops = std::vector<std::unique_ptr<ConsumerLoop>>;

}  // namespace orderflow::loops
