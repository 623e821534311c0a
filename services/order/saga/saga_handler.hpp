#pragma once
// Which event triggers which rule. `SagaHandler` handles the participants' events on a consumer
// loop's thread; saga_commands.hpp handles HTTP requests.
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "kafka/delivery.hpp"
#include "loops/batch.hpp"
#include "order/saga/admission.hpp"
#include "order/saga/saga_store.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::order {

class SagaHandler final : public loops::BatchHandler {
public:
    explicit SagaHandler(std::unique_ptr<SagaStore> store, Admission* admission = nullptr)
        : store_(std::move(store)), admission_(admission) {}

    bool handle(Instant now, std::span<const kafka::Delivery> batch,
                outbox::BatchOutput& out) override;
    void committed() override;

private:
    const std::unique_ptr<SagaStore> store_;
    Admission* const admission_;
    std::optional<std::chrono::microseconds> quickest_;  // of the last attempt
};

}  // namespace orderflow::order
