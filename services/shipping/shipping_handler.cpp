#include "shipping/shipping_handler.hpp"

#include <algorithm>

#include "kafka/delivery.hpp"
#include "outbox/aggregates.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::shipping {

using kafka::Delivery;
using outbox::BatchOutput;

bool ShippingHandler::handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) {
    const auto ids = outbox::distinct_ids(batch, [](const Delivery& d) { return d.order_id(); });
    Shipments shipments = store_->load(ids);
    const bool with_storage = std::ranges::any_of(batch, [&](const Delivery& delivery) {
        return needs_storage(shipments.find(delivery.order()), delivery.event);
    });
    std::optional<Storage> storage;
    if (with_storage) storage = store_->lock_storage();
    std::int64_t storage_change = 0;
    for (const Delivery& delivery : batch) {
        const OrderId& id = delivery.order();
        Decision decision =
            decide(shipments.find(id), delivery.event, storage ? &*storage : nullptr, settings_,
                   ids_.next<ShipmentId>(now), now);
        if (decision.next) shipments.put(id, std::move(*decision.next));
        if (storage) storage->used += decision.storage_change;
        storage_change += decision.storage_change;
        for (auto& event : decision.events) out.emit(std::move(event), delivery.traceparent);
    }
    return store_->save(shipments, storage_change);
}

}  // namespace orderflow::shipping
