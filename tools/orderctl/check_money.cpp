// Part of check.hpp: money (I3, I4).
#include <map>

#include "core/enums.hpp"
#include "orderctl/judge.hpp"

namespace orderflow::orderctl {
namespace {

using std::string;

// ---- I3 ----------------------------------------------------------------------------------------

string gateway_text(const GatewayFacts& gateway) {
    const auto sum = [&](int count, std::int64_t amount) {
        return std::to_string(count) + " (" + std::to_string(amount) + " " +
               string(gateway.currency.text()) + ")";
    };
    return "captures " + sum(gateway.captures, gateway.captured) + ", refunds " +
           sum(gateway.refunds, gateway.refunded);
}

string why_unread(const Facts& facts) {
    return "the gateway's ledger was not read" +
           (facts.gateway_error.empty() ? string() : ": " + facts.gateway_error);
}

// Charges at the gateway under keys that belong to no order.
void judge_foreign(Judge& judge, const char* id, const Facts& facts) {
    std::int64_t others = 0;
    for (const auto& [key, gateway] : facts.foreign_charges) {
        const bool kept = gateway.captures > gateway.refunds ||
                          gateway.captured != gateway.refunded || gateway.mixed_currencies;
        if (kept) {
            judge.violated(id, std::nullopt,
                           "charged under key '" + key +
                               "', which belongs to no order: " + gateway_text(gateway));
        } else {
            ++others;
        }
    }
    if (others > 0) {
        judge.note(id, std::to_string(others) + " keys that belong to no order, no money kept");
    }
}

}  // namespace

// Judged for every final order, even if records were put aside: a final order has handled payment's
// answer, and the gateway was read last.
void judge_charges(Judge& judge, const Facts& facts) {
    constexpr const char* kId = "I3";
    judge.open(kId, "one charge per order");
    if (!facts.gateway_read) return judge.not_judged(kId, why_unread(facts));
    for (std::uint32_t i = 0; i < facts.orders.size(); ++i) {
        const OrderFacts& order = facts.orders[i];
        const GatewayFacts& gateway = order.gateway;
        const auto violated = [&](const string& what) {
            judge.violated(kId, order.id, what + ": " + gateway_text(gateway));
        };
        if (gateway.captures > 1) violated("charged more than once");
        if (gateway.refunds > gateway.captures) violated("refunded more often than charged");
        if (gateway.mixed_currencies) violated("charged and refunded in different currencies");
        if (gateway.odd_currency) violated("charged or refunded in an invalid currency");
        if (!order.table.order && !order.late && gateway.captures > 0) {
            violated("charged, but the order service does not know the order");
        }
        if (!is_final(order) || awaits_gateway(order)) continue;
        if (order.table.order->state == OrderState::COMPLETED) {
            if (gateway.captures != 1) violated("COMPLETED without exactly one capture");
            if (gateway.refunds != 0) violated("COMPLETED and refunded");
        } else if (gateway.captures != gateway.refunds || gateway.captured != gateway.refunded) {
            violated("CANCELLED and not refunded");
        }
    }
    judge_foreign(judge, kId, facts);
}

// ---- I4 ----------------------------------------------------------------------------------------

namespace {

struct Sums {
    Wide gateway = 0, ledger = 0, orders = 0;
};

string show(const Money& money) {
    return std::to_string(money.amount) + " " + string(money.currency.text());
}

// A violation if the gateway's final state differs from what an operator settled in its place, or
// from an earlier state of the gateway itself: then the order and its customer were informed of
// something that did not happen.
void judge_contradicted(Judge& judge, const char* id, const OrderFacts& order) {
    const auto& payment = order.table.payment;
    const bool never = payment && payment->state == PaymentState::NEVER_CHARGED;
    if (!never && !(payment && payment->state == PaymentState::REFUNDED)) return;
    const string says = ", the gateway's final outcome is " + string(name_of(payment->state));
    if (payment->settled_as) {
        if ((*payment->settled_as == Settlement::NEVER_CHARGED) == never) return;
        judge.violated(id, order.id,
                       "an operator settled it as " + string(name_of(*payment->settled_as)) + says);
    } else if (never && payment->charge != 0) {
        judge.violated(id, order.id, "the gateway had captured" + says);
    }
}

}  // namespace

// Like judge_charges: for every final order.
void judge_money(Judge& judge, const Facts& facts) {
    constexpr const char* kId = "I4";
    judge.open(kId, "gateway = payments' ledger = completed orders");
    if (!facts.gateway_read) return judge.not_judged(kId, why_unread(facts));
    std::map<Currency, Sums> sums;
    for (std::uint32_t i = 0; i < facts.orders.size(); ++i) {
        const OrderFacts& order = facts.orders[i];
        judge_contradicted(judge, kId, order);
        if (!is_final(order) || awaits_gateway(order)) continue;
        const OrderRow& saga = *order.table.order;
        const bool completed = saga.state == OrderState::COMPLETED;
        const auto& payment = order.ledger.payment;
        const bool captured = payment && payment->state == PaymentState::CAPTURED;
        const Money kept{order.gateway.captured - order.gateway.refunded, order.gateway.currency};
        const Money booked = captured ? payment->amount.value_or(Money{}) : Money{0, kept.currency};
        const Money earned{completed ? saga.total.amount : 0, saga.total.currency};
        sums[kept.currency].gateway += kept.amount;
        sums[booked.currency].ledger += booked.amount;
        sums[earned.currency].orders += earned.amount;
        const auto differ = [&](const string& what) { judge.violated(kId, order.id, what); };
        const bool same_currency =
            (kept.amount == 0 && booked.amount == 0) ||
            (kept.currency == earned.currency && booked.currency == earned.currency);
        if (kept.amount != booked.amount || booked.amount != earned.amount || !same_currency) {
            differ("gateway kept " + show(kept) + ", payments' ledger has " + show(booked) +
                   ", the order is " + string(name_of(saga.state)) + " of " + show(saga.total));
        }
        const bool refunded =
            payment && payment->state == PaymentState::REFUNDED && !payment->settled_by_hand;
        if (refunded && payment->amount != Money{order.gateway.refunded, order.gateway.currency}) {
            differ("PaymentRefunded has " + show(payment->amount.value_or(Money{})) +
                   ", the gateway refunded " +
                   show({order.gateway.refunded, order.gateway.currency}));
        }
    }
    for (const auto& [currency, sum] : sums) {
        const bool equal = sum.gateway == sum.ledger && sum.ledger == sum.orders;
        judge.note(
            kId, string(currency.text()) + " " + to_text(sum.gateway) +
                     (equal ? string()
                            : " at the gateway, " + to_text(sum.ledger) + " in payments' ledger, " +
                                  to_text(sum.orders) + " in orders"));
    }
}

}  // namespace orderflow::orderctl
