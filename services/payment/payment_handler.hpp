#pragma once
// Which event triggers which rule. `PaymentHandler` handles events on a consumer loop's thread;
// payment_results.hpp saves the gateway's answers.
//
// The order of effects is the reason why nobody is charged twice or for a cancelled order: commit
// the row, make the call, commit its result. Only memory can be lost in between: the row still
// shows that a call is due, and the call has the order's key.
#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/registry.h>

#include "kafka/delivery.hpp"
#include "loops/batch.hpp"
#include "outbox/unit_of_work.hpp"
#include "payment/payment_gateway.hpp"
#include "payment/payment_store.hpp"

namespace orderflow::payment {

// The outcomes of payments, and the state of the calls.
struct PaymentMetrics {
    explicit PaymentMetrics(prometheus::Registry& registry);

    // By events::EventKind; to be called once they are committed.
    using EventCounts = std::array<std::size_t, events::kEventKinds>;
    static EventCounts counts(std::span<const outbox::OutgoingEvent> emitted);
    void count(const EventCounts& emitted);
    void count(Alarm alarm);
    void show(const Calls& calls);

    prometheus::Counter &captured, &declined, &refunded, &nothing, &unclear, &duplicate, &retried,
        &failed, &wrong_amount, &settled_otherwise, &capture_denied;
    prometheus::Gauge &unknown, &unknown_oldest_s, &contradicted;
    prometheus::Family<prometheus::Gauge>& calls;
};

class PaymentHandler final : public loops::BatchHandler {
public:
    // Takes the calls that became due with a commit; on the consumer loop's thread.
    using Submit = std::function<void(std::vector<Call>)>;

    PaymentHandler(std::unique_ptr<PaymentStore> store, Submit submit, PaymentMetrics& metrics)
        : store_(std::move(store)), submit_(std::move(submit)), metrics_(metrics) {}

    bool handle(Instant now, std::span<const kafka::Delivery> batch,
                outbox::BatchOutput& out) override;
    void committed() override;

private:
    const std::unique_ptr<PaymentStore> store_;
    const Submit submit_;
    PaymentMetrics& metrics_;
    std::vector<Call> due_;                  // of the last attempt
    PaymentMetrics::EventCounts emitted_{};  // the same
    std::size_t duplicates_ = 0;             // the same
};

// An operator settles a payment in place of a gateway that never answers; false: the
// compare-and-set was lost. `settled`: whether the payment is settled as requested, now or by the
// same request before; if not, its state does not allow it (see settle_by_hand).
bool settle_payment(PaymentStore& store, const OrderId& id, Settlement as, const std::string& by,
                    Instant now, outbox::BatchOutput& out, bool& settled);

}  // namespace orderflow::payment
