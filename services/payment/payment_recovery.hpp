#pragma once
// Finds the calls to the gateway that are not in memory: after a crash, after a full queue, and
// calls to repeat. Used by the result step (payment_results.hpp), on its thread.
#include <chrono>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "payment/payment_gateway.hpp"
#include "payment/payment_store.hpp"

namespace orderflow::payment {

// The pool that the call for an open payment goes to.
CallKind call_of(State open);

// Finds the open payments whose call is due. Three walks read the table along its primary key, up
// to the orders of 10 s ago; younger rows are in the memory of a loop. The first walk reads the new
// rows every 5 s, from where it last ended. The second reads the last 20 minutes every 30 s, for
// calls that were lost with their processes: most cancellations fall into this time. The third
// slowly reads the whole table. An open payment that was found is remembered and looked up when it
// is due, so the walks need not find it again. Owned by a ResultStep.
class Recovery {
public:
    explicit Recovery(Instant now);

    // Does the work that is due, with at most four queries. If it throws DatabaseError, it forgets
    // nothing.
    void step(PaymentStore& store, Calls& calls, Instant now);

    // Must be called after each committed batch of results. It repeats calls that ended without a
    // clear outcome, and calls whose outcome raised an alarm: their payments may still be open.
    void committed(std::span<const GatewayResult> results, Instant now, const Alarms& alarms = {});
    // The same for a result that could not be handled.
    void failed(const OrderId& id, Instant now);

    std::size_t calls_made() const { return calls_made_; }  // so far: each is a repeated one

    std::size_t remembered() const { return due_.size(); }
    std::size_t unknown() const { return unknown_.size(); }
    std::chrono::seconds oldest_unknown(Instant now) const;
    // Payments whose outcome contradicts an operator's settlement, or the gateway's earlier answer:
    // as of the last walk over the whole table.
    int contradicted() const { return contradicted_; }

private:
    struct Walk {
        OrderId position{};  // rows up to here were read
        OrderId upto{};      // where this pass ends
        Instant resume{};    // not before
    };

    // False: too many are remembered already.
    bool remember(const OrderId& id, Instant due);
    void forget(const OrderId& id);
    void step_back(const OrderId& id, Instant now);
    std::vector<OrderId> due(Instant now, std::size_t at_most) const;
    void take_overflow(Calls& calls, Instant now);
    void call_due(PaymentStore& store, Calls& calls, Instant now);
    OpenPage next_page(PaymentStore& store, Walk& walk, Instant now);
    void walk_recent(PaymentStore& store, Calls& calls, Instant now);
    void walk_again(PaymentStore& store, Calls& calls, Instant now);
    void walk_all(PaymentStore& store, Calls& calls, Instant now);
    void call_found(const OpenPage& page, Calls& calls, Instant now);
    void note(const OpenPayment& payment);
    bool call_or_remember(const OpenPayment& payment, std::chrono::milliseconds at_least,
                          Instant now, std::vector<Call>& calls);

    Walk recent_;
    Walk again_;
    Walk all_;
    int contradicted_ = 0;
    int contradicted_so_far_ = 0;
    std::unordered_map<OrderId, Instant> due_;
    std::set<std::pair<Instant, OrderId>> by_time_;  // the same, in order
    std::unordered_map<OrderId, Instant> unknown_;   // UNKNOWN when last seen → opened_at
    std::size_t calls_made_ = 0;
};

}  // namespace orderflow::payment
