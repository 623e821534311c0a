#pragma once
// Which event triggers which rule. Runs on a consumer loop's thread; each loop owns one.
#include <memory>
#include <utility>

#include "core/ids.hpp"
#include "kafka/delivery.hpp"
#include "loops/batch.hpp"
#include "outbox/unit_of_work.hpp"
#include "shipping/shipping_store.hpp"

namespace orderflow::shipping {

class ShippingHandler final : public loops::BatchHandler {
public:
    // `ids` gives the shipments' ids; the simulator seeds it.
    ShippingHandler(std::unique_ptr<ShippingStore> store, Settings settings,
                    IdSource ids = IdSource())
        : store_(std::move(store)), settings_(std::move(settings)), ids_(std::move(ids)) {}

    // Locks the storage row only if the batch has an order that needs it.
    bool handle(Instant now, std::span<const kafka::Delivery> batch,
                outbox::BatchOutput& out) override;

private:
    const std::unique_ptr<ShippingStore> store_;
    const Settings settings_;
    IdSource ids_;
};

}  // namespace orderflow::shipping
