#pragma once
// Which event triggers which rule. Runs on a consumer loop's thread; each loop owns one.
#include "core/ids.hpp"
#include "messaging/batch.hpp"
#include "shipping/shipping_store.hpp"

namespace orderflow::shipping {

class ShippingService final : public messaging::BatchHandler {
public:
    // `ids` gives the shipments' ids; the simulator seeds it.
    ShippingService(ShippingStore& store, Settings settings, IdSource ids = IdSource())
        : store_(store), settings_(std::move(settings)), ids_(std::move(ids)) {}

    // Locks the storage row only if the batch has an order that needs it.
    bool handle(Instant now, std::span<const messaging::Delivery> batch,
                messaging::BatchOutput& out) override;

private:
    ShippingStore& store_;
    const Settings settings_;
    IdSource ids_;
};

}  // namespace orderflow::shipping
