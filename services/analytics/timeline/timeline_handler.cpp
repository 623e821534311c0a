#include "analytics/timeline/timeline_handler.hpp"

#include <utility>

#include "analytics/timeline/figures.hpp"
#include "kafka/delivery.hpp"
#include "outbox/aggregates.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::analytics {

using kafka::Delivery;
using outbox::BatchOutput;

bool TimelineHandler::handle(Instant, std::span<const Delivery> batch, BatchOutput&) {
    ended_.clear();
    const auto ids = outbox::distinct_ids(batch, [](const Delivery& d) { return d.order_id(); });
    if (ids.empty()) return true;  // StockAdjusted alone
    Timelines timelines = store_->load(ids);
    Tally tally;
    for (const Delivery& delivery : batch) {
        const OrderId* id = delivery.order_id();
        if (!id) continue;
        static const Timeline kNothing;
        const Timeline* timeline = timelines.find(*id);
        const Mark mark{delivery.time, delivery.record->partition, delivery.record->offset};
        auto next = fold(timeline, delivery.event, mark, delivery.traceparent);
        if (!next) continue;
        if (on_ended_ && end_of(*next) && !(timeline && end_of(*timeline))) ended_.push_back(*id);
        count(*id, timeline ? *timeline : kNothing, *next, tally);
        timelines.put(*id, std::move(*next));
    }
    if (!store_->save(timelines)) return false;
    store_->add(tally);
    return true;
}

void TimelineHandler::committed() {
    if (!ended_.empty()) on_ended_(ended_);
    ended_.clear();
}

}  // namespace orderflow::analytics
