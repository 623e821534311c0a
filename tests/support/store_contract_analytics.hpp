#pragma once
// The contract of analytics::TimelineStore: the timelines, and the totals of the counters. The
// minutes, the open seconds and the customers are PostgreSQL's alone (tests/component/
// analytics_store_test.cpp). Used by tests/unit/store_contract_test.cpp and
// tests/component/store_contract_test.cpp. One thread.
#include <map>
#include <string>
#include <vector>

#include "analytics/timeline/timeline_store.hpp"
#include "support/compare_and_set_contract.hpp"
#include "support/store_contract.hpp"

namespace orderflow::test {

class TimelineStores : public StoreUnderTest<analytics::TimelineStore> {
public:
    using Totals = std::map<std::string, std::string>;
    // The committed counters, as decimal integers of any size.
    virtual Totals totals() = 0;
};

// See CompareAndSet.
struct TimelineTable {
    using Stores = TimelineStores;
    using Rows = analytics::Timelines;
    using Row = analytics::Timeline;

    static Rows load(analytics::TimelineStore& store, std::span<const OrderId> ids) {
        return store.load(ids);
    }
    static bool save(analytics::TimelineStore& store, const Rows& timelines) {
        return store.save(timelines);
    }

    static analytics::Mark mark(std::size_t slot) {
        const auto n = static_cast<std::int64_t>(slot);
        return {at(n), static_cast<std::int32_t>(n % 6), (std::int64_t{1} << 47) + n};
    }
    static Row with(analytics::Slot slot) {
        Row timeline;
        timeline.marks[static_cast<std::size_t>(slot)] = mark(static_cast<std::size_t>(slot));
        return timeline;
    }
    static std::vector<Life<Row>> lives() {
        Row placed = with(analytics::Slot::order_placed);
        placed.customer_id = "CUST-001";
        placed.total = Money{1500, {}};
        placed.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        Row everything = placed;
        for (std::size_t i = 0; i < analytics::kSlots; ++i) everything.marks[i] = mark(i);
        everything.reason = events::Reason::DEADLINE;
        // Of an order whose OrderPlaced comes later.
        const Row reserved = with(analytics::Slot::stock_reserved);
        return {{placed, everything}, {reserved, everything}, {everything, reserved}};
    }
};

struct CountersContract {
    using Totals = TimelineStores::Totals;

    static analytics::Tally tally(const std::map<std::string, std::int64_t>& totals) {
        analytics::Tally tally;
        for (const auto& [name, value] : totals) tally.add(name, value);
        return tally;
    }
    static bool add(TimelineStores& stores, const analytics::Tally& tally) {
        return saved(stores, [&](analytics::TimelineStore& store) {
            store.add(tally);
            return true;
        });
    }

    static void counters_add_up(TimelineStores& stores) {
        // Given no counter
        CHECK(stores.totals().empty());
        // When batches count some, and one counts nothing
        add(stores, tally({{"placed", 3}, {"open", 3}}));
        add(stores, tally({{"completed", 1}, {"open", -1}, {"placed", 2}}));
        add(stores, {});
        // Then each counter is the sum
        CHECK(stores.totals() == Totals{{"completed", "1"}, {"open", "2"}, {"placed", "5"}});
    }

    static void large_sums_are_exact(TimelineStores& stores) {
        // Given sums that are stored in two limbs
        analytics::Tally large;
        large.totals["revenue.KRW"] = {1, 5};
        // When they are added up, then no piece is lost
        add(stores, large);
        add(stores, large);
        CHECK(stores.totals() == Totals{{"revenue.KRW", "2000000000000000010"}});
    }

    static void counted_rows_are_its_own(TimelineStores& stores) {
        // Given a transaction that has counted
        const auto session = stores.connect();
        session->work().begin();
        session->store().add(tally({{"placed", 1}}));
        // Then another one cannot add to the same counter, but to another one
        check_locked([&] { add(stores, tally({{"placed", 1}})); });
        add(stores, tally({{"completed", 1}}));
        CHECK(stores.totals() == Totals{{"completed", "1"}});
        // And after the commit it can
        session->work().commit({});
        add(stores, tally({{"placed", 1}}));
        CHECK(stores.totals() == Totals{{"completed", "1"}, {"placed", "2"}});
    }

    static void rolled_back_counts_are_gone(TimelineStores& stores) {
        // Given a transaction that has counted and is rolled back
        add(stores, tally({{"placed", 1}}));
        CHECK_FALSE(saved(stores, [](analytics::TimelineStore& store) {
            store.add(tally({{"placed", 1}, {"completed", 1}}));
            return false;
        }));
        // Then nothing of it is counted
        CHECK(stores.totals() == Totals{{"placed", "1"}});
    }

    static constexpr ContractCase<TimelineStores> kCases[] = {
        {"counters are the sums of what batches have added", counters_add_up},
        {"sums above 10^18 are exact", large_sums_are_exact}};

    static constexpr ContractCase<TimelineStores> kTransactions[] = {
        {"counters that a transaction has added to are its own until it ends",
         counted_rows_are_its_own},
        {"a transaction that is rolled back counts nothing", rolled_back_counts_are_gone}};
};

}  // namespace orderflow::test
