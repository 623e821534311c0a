#include "inventory/inventory_handler.hpp"

#include <algorithm>

#include "kafka/delivery.hpp"
#include "outbox/aggregates.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::inventory {
namespace {

using kafka::Delivery;
using outbox::BatchOutput;

// The products that the rules will read or change, as views into `batch` and `reservations`.
std::vector<std::string_view> products_touched(std::span<const Delivery> batch,
                                               const Reservations& reservations) {
    std::vector<std::string_view> ids;
    for (const Delivery& delivery : batch) {
        const Reservation* known = reservations.find(delivery.order());
        if (known && known->state == State::RESERVED) {
            for (const Item& item : known->items) ids.push_back(item.product_id);
        } else if (const auto* placed = std::get_if<events::OrderPlaced>(&delivery.event)) {
            if (known) continue;
            for (const auto& line : placed->order.items) ids.push_back(line.product_id);
        }
    }
    std::ranges::sort(ids);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
}

}  // namespace

bool InventoryHandler::handle(Instant now, std::span<const Delivery> batch, BatchOutput& out) {
    const auto ids = outbox::distinct_ids(batch, [](const Delivery& d) { return d.order_id(); });
    Reservations reservations = store_->load_reservations(ids);
    Stock stock = store_->lock_stock(products_touched(batch, reservations));
    for (const Delivery& delivery : batch) {
        const OrderId& id = delivery.order();
        Decision decision = decide(reservations.find(id), delivery.event, stock, now);
        if (decision.orphan) {
            out.orphan(delivery);
            continue;
        }
        for (const Move& move : decision.moves) stock.apply(move);
        if (decision.next) reservations.put(id, std::move(*decision.next));
        for (auto& event : decision.events) out.emit(std::move(event), delivery.traceparent);
    }
    return store_->save_reservations(reservations) && store_->save_stock(stock, now);
}

}  // namespace orderflow::inventory
