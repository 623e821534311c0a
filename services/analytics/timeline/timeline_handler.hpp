#pragma once
// Folds every event of the catalog into the order's timeline and the counters; emits nothing. Runs
// on a consumer loop's thread.
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analytics/timeline/timeline_store.hpp"
#include "kafka/delivery.hpp"
#include "loops/batch.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::analytics {

// Receives the orders that ended with a batch, after its commit, and not again if the batch is
// handled again. On the consumer loop's thread.
using OnEnded = std::function<void(std::span<const OrderId>)>;

class TimelineHandler final : public loops::BatchHandler {
public:
    // `on_ended` may be empty.
    explicit TimelineHandler(std::unique_ptr<TimelineStore> store, OnEnded on_ended = {})
        : store_(std::move(store)), on_ended_(std::move(on_ended)) {}

    bool handle(Instant now, std::span<const kafka::Delivery> batch,
                outbox::BatchOutput& out) override;
    void committed() override;

private:
    const std::unique_ptr<TimelineStore> store_;
    const OnEnded on_ended_;
    std::vector<OrderId> ended_;  // in the attempt that handle() last worked on
};

}  // namespace orderflow::analytics
