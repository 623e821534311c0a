// The ids of a batch of new orders: their events stay together, and all partitions get the same.

#include <map>
#include <set>

#include <catch2/catch_test_macros.hpp>

#include "events/catalog.hpp"
#include "kafka/topic_layout.hpp"
#include "order/saga/order_ids.hpp"

namespace orderflow::order {
namespace {

constexpr Instant kNow{std::chrono::seconds{1'800'000'000}};

std::map<std::int32_t, std::size_t> by_partition(const std::vector<OrderId>& ids) {
    std::map<std::int32_t, std::size_t> counts;
    for (const OrderId& id : ids) {
        ++counts[kafka::partition_of(id.to_string(), events::kPartitions)];
    }
    return counts;
}

}  // namespace

TEST_CASE("order ids: the orders of a batch go to one partition, a large batch to several") {
    OrderIds ids(IdSource(7));
    CHECK(by_partition(ids.next(1, kNow)).size() == 1);
    CHECK(by_partition(ids.next(OrderIds::kTogether, kNow)).size() == 1);
    CHECK(by_partition(ids.next(OrderIds::kTogether + 1, kNow)).size() == 2);
    CHECK(ids.next(0, kNow).empty());
}

TEST_CASE("order ids: batch after batch every partition gets the same number of orders") {
    OrderIds ids(IdSource(7));
    std::map<std::int32_t, std::size_t> total;
    for (int batch = 0; batch < 10 * events::kPartitions; ++batch) {
        for (const auto& [partition, count] : by_partition(ids.next(12, kNow))) {
            total[partition] += count;
        }
    }
    CHECK(total.size() == events::kPartitions);
    for (const auto& [partition, count] : total) CHECK(count == 120);
}

TEST_CASE("order ids: no id comes twice, and each has the time of its batch") {
    OrderIds ids;
    const auto drawn = ids.next(1'000, kNow);
    CHECK(std::set(drawn.begin(), drawn.end()).size() == 1'000);
    CHECK(drawn.front() >= first_order_id(kNow));
    CHECK(drawn.back() < first_order_id(kNow + std::chrono::milliseconds{1}));
}

}  // namespace orderflow::order
