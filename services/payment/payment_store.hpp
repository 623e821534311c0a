#pragma once
// The payments table: all SQL of the payment service, on sets. `PaymentStore` is the port that the
// service and the simulator share. Works on the caller's thread; load and save inside the caller's
// transaction. Failures of the database are DatabaseError.
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "outbox/aggregates.hpp"
#include "payment/payment.hpp"
#include "postgres/connection.hpp"

namespace orderflow::payment {

using Payments = outbox::Aggregates<OrderId, Payment>;

// The data that a call for an open payment needs, without the order.
struct OpenPayment {
    OrderId id;
    State state = State::INTENT;
    std::int32_t attempts = 0;
    Instant touched_at{};
    Instant opened_at{};
    Money amount;
    std::string token;
};

// The open payments in a range of consecutive rows, and the last of these rows.
struct OpenPage {
    std::vector<OpenPayment> open;
    int contradicted = 0;         // the outcome contradicts an operator, or the gateway itself
    std::optional<OrderId> last;  // empty: there are no rows in the range
};

class PaymentStore {
public:
    virtual ~PaymentStore() = default;
    virtual Payments load(std::span<const OrderId> ids) = 0;
    // Inserts the new rows and updates the changed ones. False: another transaction has inserted
    // one of the rows, or has changed it since it was loaded.
    virtual bool save(const Payments& payments) = 0;

    // Those of `ids` that are open.
    virtual std::vector<OpenPayment> find_open(std::span<const OrderId> ids) = 0;
    // Reads up to `rows` rows with after < order_id <= upto, in that order.
    virtual OpenPage scan_open(const OrderId& after, const OrderId& upto, std::int64_t rows) = 0;
};

std::unique_ptr<PaymentStore> make_payment_store(postgres::Connection& connection);

// One payment, for the API.
std::optional<Payment> find_payment(postgres::Connection& connection, const OrderId& id);

}  // namespace orderflow::payment
