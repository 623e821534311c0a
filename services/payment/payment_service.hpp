#pragma once
// Which event or result triggers which rule. `PaymentService` handles events on a consumer loop's
// thread; `ResultLoop` saves what the gateway said, in batches, on its own thread, and there
// `Recovery` finds the calls that memory does not know: after a crash, after a full queue, and the
// ones to be made again.
//
// Order of effects, the reason why nobody is charged twice or for a cancelled order: the row is
// committed, then the call is made, then its result committed. What is lost in between is only
// memory: the row still says that a call is due, and the call has the order's key.
#include <array>
#include <functional>
#include <set>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include <prometheus/registry.h>

#include "core/batch_queue.hpp"
#include "messaging/loops.hpp"
#include "payment/payment_gateway.hpp"
#include "payment/payment_store.hpp"

namespace orderflow::payment {

// How payments end, and how calls stand.
struct PaymentMetrics {
    explicit PaymentMetrics(prometheus::Registry& registry);

    // By events::EventKind; to be called once they are committed.
    using EventCounts = std::array<std::size_t, events::kEventKinds>;
    void count(const EventCounts& emitted);
    void show(const Calls& calls);

    prometheus::Counter &captured, &declined, &refunded, &nothing, &unclear;
    prometheus::Gauge &unknown, &unknown_oldest_s;
    prometheus::Family<prometheus::Gauge>& calls;
};

class PaymentService final : public messaging::BatchHandler {
public:
    // Takes the calls that became due with a commit; on the consumer loop's thread.
    using Submit = std::function<void(std::vector<Call>)>;

    PaymentService(PaymentStore& store, Submit submit, PaymentMetrics& metrics)
        : store_(store), submit_(std::move(submit)), metrics_(metrics) {}

    bool handle(Instant now, std::span<const messaging::Delivery> batch,
                messaging::BatchOutput& out) override;
    void committed() override;

private:
    PaymentStore& store_;
    const Submit submit_;
    PaymentMetrics& metrics_;
    std::vector<Call> due_;                 // of the last attempt
    PaymentMetrics::EventCounts emitted_{};  // the same
};

// Decides on the results in their order and saves the rows; false: the compare-and-set was lost.
// A result of an order without a row changes nothing.
bool apply_results(PaymentStore& store, std::span<const GatewayResult> results, Instant now,
                   messaging::BatchOutput& out);

// Finds the open payments whose call is due. Two walks along the primary key look at rows that
// nobody touched for 10 s: one at what is recent, every 5 s, from where it last ended; one slowly
// at the whole table, again and again, for what came in late. An open payment that was seen is
// remembered one by one and looked up when it is due, so that the walks need not see it again.
// Owned by the ResultLoop; the simulator calls step() too.
class Recovery {
public:
    explicit Recovery(Instant now);

    // Does what is due, with at most three queries. Throws DatabaseError and forgets nothing then.
    void step(PaymentStore& store, Calls& calls, Instant now);

    // To be called after each committed batch of results.
    void settled(std::span<const GatewayResult> results, Instant now);

    std::size_t remembered() const { return due_.size(); }
    std::size_t unknown() const { return unknown_.size(); }
    std::chrono::seconds oldest_unknown(Instant now) const;

private:
    struct Walk {
        OrderId position{};  // what stands up to here was seen
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
    void walk_all(PaymentStore& store, Calls& calls, Instant now);
    bool call_or_remember(const OpenPayment& payment, std::chrono::milliseconds at_least,
                          Instant now, std::vector<Call>& calls);

    Walk recent_;
    Walk all_;
    std::unordered_map<OrderId, Instant> due_;
    std::set<std::pair<Instant, OrderId>> by_time_;  // the same, in order
    std::unordered_map<OrderId, Instant> unknown_;   // UNKNOWN when last seen → opened_at
};

class ResultLoop {
public:
    ResultLoop(const messaging::LoopContext& context, BatchQueue<GatewayResult>& results,
               Calls& calls, PaymentMetrics& metrics);
    ~ResultLoop() { stop(); }

    // Commits what is queued, then ends. Blocks.
    void stop();

private:
    void run(messaging::LoopContext context);

    BatchQueue<GatewayResult>& results_;
    Calls& calls_;
    PaymentMetrics& metrics_;
    std::jthread thread_;
};

}  // namespace orderflow::payment
