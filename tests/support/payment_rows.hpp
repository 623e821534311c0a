#pragma once
// What a PaymentStore's queries return of one row, for the stores in memory: the simulator's and
// the fake. Any thread.
#include "payment/payment_store.hpp"

namespace orderflow::test {

// Of a payment that is open, and so has an order.
inline payment::OpenPayment open_payment(const OrderId& id, const payment::Payment& payment) {
    const events::Order& order = payment.order.value();
    return {id,
            payment.state,
            payment.attempts,
            payment.touched_at,
            payment.opened_at,
            payment::amount_of(order),
            order.payment.token};
}

// Whether it ended otherwise than an operator, or the gateway itself, had said.
inline bool is_contradicted(const payment::Payment& payment) {
    const bool refunded = payment.state == payment::State::REFUNDED;
    if (!refunded && payment.state != payment::State::NEVER_CHARGED) return false;
    if (!payment.settled_as) return !refunded && !payment.charge_id.empty();
    return *payment.settled_as !=
           (refunded ? payment::Settlement::REFUNDED : payment::Settlement::NEVER_CHARGED);
}

}  // namespace orderflow::test
