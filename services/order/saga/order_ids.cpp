#include "order/saga/order_ids.hpp"

#include <utility>

#include "events/catalog.hpp"
#include "kafka/topic_layout.hpp"

namespace orderflow::order {
namespace {

std::int32_t partition_of(const OrderId& id) {
    return kafka::partition_of(id.to_string(), events::kPartitions);
}

}  // namespace

// Instances begin with different partitions.
OrderIds::OrderIds(IdSource source)
    : source_(std::move(source)), partition_(partition_of(source_.next<OrderId>({}))) {}

std::vector<OrderId> OrderIds::next(std::size_t count, Instant now) {
    std::vector<OrderId> ids;
    ids.reserve(count);
    while (ids.size() < count) {
        const auto id = source_.next<OrderId>(now);
        if (partition_of(id) != partition_) continue;  // every sixth fits
        ids.push_back(id);
        if (ids.size() % kTogether == 0 || ids.size() == count) {
            partition_ = (partition_ + 1) % events::kPartitions;
        }
    }
    return ids;
}

}  // namespace orderflow::order
