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
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <prometheus/registry.h>

#include "core/batch_queue.hpp"
#include "messaging/loops.hpp"
#include "payment/payment_gateway.hpp"
#include "payment/payment_recovery.hpp"
#include "payment/payment_store.hpp"

namespace orderflow::payment {

// How payments end, and how calls stand.
struct PaymentMetrics {
    explicit PaymentMetrics(prometheus::Registry& registry);

    // By events::EventKind; to be called once they are committed.
    using EventCounts = std::array<std::size_t, events::kEventKinds>;
    void count(const EventCounts& emitted);
    void count(Alarm alarm);
    void show(const Calls& calls);

    prometheus::Counter &captured, &declined, &refunded, &nothing, &unclear, &duplicate, &retried,
        &failed, &wrong_amount, &settled_otherwise;
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
    std::size_t duplicates_ = 0;             // the same
};

// Decides on the results in their order and saves the rows; false: the compare-and-set was lost.
// A result of an order without a row changes nothing. Adds to `alarms` what raised one.
bool apply_results(PaymentStore& store, std::span<const GatewayResult> results, Instant now,
                   messaging::BatchOutput& out, Alarms& alarms);

// What became of a batch of results.
struct ResultReport {
    PaymentMetrics::EventCounts emitted{};
    Alarms alarms;
    std::vector<std::pair<OrderId, std::string>> failed;  // could not be handled, and why
};

// The result step: commits the results, one bad one not holding up the others. One that is lost
// here, or in memory, only costs another call: its row still says that one is due. Throws when the
// database is out of reach; then the same results may be committed again.
ResultReport commit_results(messaging::UnitOfWork& work, PaymentStore& store,
                            std::span<const GatewayResult> results);

// An operator answers for a gateway that never does; false: the compare-and-set was lost. `settled`
// says whether the payment was in the state for it (see settle_by_hand).
bool settle_payment(PaymentStore& store, const OrderId& id, Settlement as, const std::string& by,
                    Instant now, messaging::BatchOutput& out, bool& settled);

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
