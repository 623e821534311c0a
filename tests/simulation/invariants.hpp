#pragma once
// The invariants that must always hold, checked after every commit, and those that must hold once
// everything is at rest. A broken invariant ends the run with a Violation. One thread.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kafka/record.hpp"
#include "simulation/members.hpp"

namespace orderflow::simulation {

class Invariants {
public:
    // Observes the shop's databases and its gateway; both must outlive this object.
    explicit Invariants(Shop& shop);

    // Checks that every order is final, that nothing is under way, and that all data agree with
    // each other.
    void check_at_rest() const;

    // Checks that no payment that waits for the gateway is forgotten; `healed`: the time since
    // which there are no faults.
    void check_patience(Instant healed) const;

    // The events of an order in a service's ledger.
    std::string history(const OrderId& order) const;

private:
    using Kinds = std::vector<events::EventKind>;

    void committed(const Commit& commit);
    void check_ledger(events::Service service, const events::Event& event);
    void check_answers(const OrderId& order) const;
    void check_truth(const events::Event& event) const;
    void check_parked(const Commit& commit) const;
    bool is_planted(const kafka::Record& record) const;
    void count_pieces(const events::StockAdjusted& event);
    void check_stock() const;
    void check_storage() const;
    void requested(const OrderId& order);

    void check_order(const OrderId& id, const order::Saga& saga) const;
    void check_completed(const OrderId& id, const order::Saga& saga) const;
    void check_cancelled(const OrderId& id) const;
    void check_money() const;
    void check_topics() const;
    void check_nothing_parked() const;
    void check_handled() const;
    void check_fold() const;
    void check_alarms() const;
    void check_analytics() const;

    void require(bool holds, const char* invariant, const std::string& detail,
                 std::optional<OrderId> order = std::nullopt) const {
        if (!holds) shop_.world.fail(invariant, detail, order);
    }

    Shop& shop_;
    std::map<events::Service, std::map<OrderId, Kinds>> ledgers_;
    std::map<events::Service, std::int64_t> last_seq_;
    std::map<OrderId, std::set<events::Participant>> answers_;  // handled by order-service
    std::map<std::string, std::int64_t> put_in_;                // when products were created
    std::map<std::string, std::int64_t> added_;                 // by adjustments
    std::map<events::Service, std::set<EventId>> handled_;
    std::map<OrderId, Instant> requested_at_;  // last request to the gateway
};

}  // namespace orderflow::simulation
