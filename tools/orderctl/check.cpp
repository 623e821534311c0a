#include "orderctl/check.hpp"

#include <algorithm>
#include <set>

#include "core/enums.hpp"
#include "orderctl/judge.hpp"

namespace orderflow::orderctl {
namespace {

using std::string;

// ---- I5 ----------------------------------------------------------------------------------------

// Uses only the one snapshot of inventory, so it holds at any time.
void judge_products(Judge& judge, const char* id, const Facts& facts) {
    for (const ProductFacts& product : facts.products) {
        const auto violated = [&](const string& what) {
            judge.violated_product(id, product.id, what);
        };
        if (!is_product(product)) continue;
        const Wide all = Wide{product.free} + product.reserved + product.sold;
        if (product.adjusted != all) {
            violated("adjusted by " + to_text(product.adjusted) +
                     ", but free + reserved + sold = " + to_text(all));
        }
        if (product.adjusted - product.created != product.asked) {
            violated("adjusted by " + to_text(product.adjusted - product.created) +
                     " since it was created, but requests asked for " + to_text(product.asked));
        }
        if (product.free < 0 || product.reserved < 0 || product.sold < 0) violated("negative");
        if (product.reserved_rows != product.reserved) {
            violated("reserved " + std::to_string(product.reserved) + ", RESERVED orders hold " +
                     to_text(product.reserved_rows));
        }
        if (product.sold_rows != product.sold) {
            violated("sold " + std::to_string(product.sold) + ", SOLD orders took " +
                     to_text(product.sold_rows));
        }
    }
}

void judge_stock(Judge& judge, const Facts& facts) {
    constexpr const char* kId = "I5";
    judge.open(kId, "every piece is free, reserved or sold to a completed order");
    judge_products(judge, kId, facts);
    Wide pieces = 0;
    for (std::uint32_t i = 0; i < facts.orders.size(); ++i) {
        const OrderFacts& order = facts.orders[i];
        const auto& row = order.table.reservation;
        if (!judge.is_comparable(i)) continue;
        const bool completed = order.table.order->state == OrderState::COMPLETED;
        const string state = row ? string(name_of(row->state)) : "missing";
        const bool sold = row && row->state == ReservationState::SOLD;
        const bool held = row && row->state == ReservationState::RESERVED;
        if (completed && !sold) {
            judge.violated(kId, order.id, "COMPLETED, but its reservation is " + state);
        } else if (!completed && (sold || held)) {
            judge.violated(kId, order.id, "CANCELLED, but its reservation is " + state);
        }
        if (!completed) continue;
        for (std::uint32_t k = 0; k < order.items; ++k) {
            pieces += facts.items[order.first_item + k].quantity;
        }
    }
    judge.note(kId, std::to_string(facts.count_products()) + " products, " + to_text(pieces) +
                        " pieces of completed orders");
}

// ---- I8 ----------------------------------------------------------------------------------------

// An event that a service has given up has not taken effect there.
void judge_dead(Judge& judge, const char* id, const Facts& facts) {
    for (const ParkedFact& parked : facts.parked) {
        const auto event = parked.dead ? EventId::parse(parked.ce_id) : std::nullopt;
        const auto found = event ? facts.event_index.find(*event) : facts.event_index.end();
        if (found == facts.event_index.end()) continue;
        judge.violated(id, order_of(facts, facts.events[found->second].order),
                       string(short_name(parked.service)) + " has given up " +
                           event_text(facts, facts.events[found->second]) + " (" + parked.topic +
                           "/" + std::to_string(parked.partition) + "@" +
                           std::to_string(parked.offset) + "): " + parked.error);
    }
}

void judge_fold(Judge& judge, const Facts& facts, const EventsOfOrders& events) {
    constexpr const char* kId = "I8";
    judge.open(kId, "the fold of each ledger = its tables");
    for (const BadStep& step : facts.bad_steps) {
        const string what = string(short_name(step.service)) + " ledger, seq " +
                            std::to_string(step.seq) + ": " + step.what;
        if (step.order == kNone) {
            judge.violated(kId, std::nullopt, what);
        } else {
            judge.violated(kId, facts.orders[step.order].id, what);
        }
    }
    for (const Difference& difference : compare(facts, events)) {
        if (difference.order != kNone) {
            judge.violated(kId, facts.orders[difference.order].id, describe(difference));
        } else if (difference.product != kNone) {
            judge.violated_product(kId, facts.products[difference.product].id,
                                   describe(difference));
        } else {
            judge.violated(kId, std::nullopt, describe(difference));
        }
    }
    judge_dead(judge, kId, facts);
    judge.note(kId, std::to_string(facts.count_orders()) + " orders, " +
                        std::to_string(facts.count_products()) + " products");
}

// ---- I1, I2 ------------------------------------------------------------------------------------

const OrderFacts* find(const Facts& facts, const OrderId& id) {
    const auto found = facts.order_index.find(id);
    if (found == facts.order_index.end()) return nullptr;
    const OrderFacts& order = facts.orders[found->second];
    return is_order(order) ? &order : nullptr;
}

void judge_accepted(Judge& judge, const Facts& facts, const History* history) {
    constexpr const char* kId = "I1";
    judge.open(kId, "no accepted order is lost");
    if (!history) return judge.not_judged(kId, "no --history");
    std::int64_t accepted = 0;
    std::int64_t open = 0;
    for (const Placement& placement : history->placements) {
        if (!placement.order) continue;
        const OrderFacts* order = find(facts, *placement.order);
        const string where = " (history line " + std::to_string(placement.line) + ")";
        if (placement.outcome == HistoryResult::fail && order) {
            judge.violated(kId, placement.order, "refused, but the order exists" + where);
        }
        if (placement.outcome != HistoryResult::ok) continue;
        ++accepted;
        if (!order) {
            judge.violated(kId, placement.order,
                           "answered with 202, but it does not exist" + where);
        } else if (!is_final(*order)) {
            ++open;
        } else if (order->table.order->state == OrderState::CANCELLED &&
                   !order->table.order->reason) {
            judge.violated(kId, placement.order, "CANCELLED without a reason" + where);
        }
    }
    judge.note(kId, std::to_string(accepted) + " accepted");
    if (open > 0) judge.note(kId, std::to_string(open) + " of them not final yet: not judged");
}

void judge_phantoms(Judge& judge, const Facts& facts, const History* history) {
    constexpr const char* kId = "I2";
    judge.open(kId, "no order without a request, one per key");
    if (!history) return judge.not_judged(kId, "no --history");
    std::set<OrderId> known;
    std::set<Digest> customers;
    std::map<string, OrderId> by_key;
    std::set<string> unclear_keys;  // requests that may have placed an order and returned no id
    std::int64_t unclear = 0;
    bool all_named = !history->placements.empty();  // an empty history names no customer
    for (const Placement& placement : history->placements) {
        customers.insert(digest(placement.customer));
        all_named = all_named && !placement.customer.empty();
        if (placement.outcome == HistoryResult::info && !placement.order) {
            // Requests that repeat a key stand for one order.
            if (placement.key.empty() || unclear_keys.insert(placement.key).second) ++unclear;
        }
        if (!placement.order) continue;
        known.insert(*placement.order);
        if (placement.key.empty()) continue;
        const auto [first, fresh] = by_key.try_emplace(placement.key, *placement.order);
        if (!fresh && first->second != *placement.order) {
            judge.violated(kId, placement.order,
                           "key " + placement.key + " was answered with " +
                               first->second.to_string() + " before (history line " +
                               std::to_string(placement.line) + ")");
        }
    }
    for (const string& key : unclear_keys) unclear -= by_key.contains(key) ? 1 : 0;
    std::vector<OrderId> unasked;
    for (const OrderFacts& order : facts.orders) {
        if (!order.table.order || known.contains(order.id)) continue;
        if (all_named && !customers.contains(order.table.order->customer)) continue;
        unasked.push_back(order.id);
    }
    judge.note(kId, std::to_string(unasked.size()) + " orders by requests without an answer, " +
                        std::to_string(unclear) + " such requests");
    if (static_cast<std::int64_t>(unasked.size()) <= unclear) return;
    for (const OrderId& id : unasked) {
        judge.violated(kId, id,
                       "no request of the history placed it (" + std::to_string(unasked.size()) +
                           " such orders, " + std::to_string(unclear) +
                           " requests without an answer)");
    }
}

// ---- all ---------------------------------------------------------------------------------------

Counts count(const Judge& judge, const Facts& facts) {
    Counts counts;
    counts.foreign_charges = static_cast<std::int64_t>(facts.foreign_charges.size());
    for (std::uint32_t i = 0; i < facts.orders.size(); ++i) {
        const OrderFacts& order = facts.orders[i];
        if (!is_order(order)) continue;
        ++counts.orders;
        if (is_final(order)) ++counts.final;
        if (judge.is_comparable(i)) {
            ++counts.settled;
        } else if (order.parked) {
            ++counts.parked;
        } else if (is_final(order)) {
            ++counts.not_arrived;
        } else {
            ++counts.in_flight;
        }
        if (awaits_gateway(order)) ++counts.settled_by_hand;
    }
    counts.ledger_rows = static_cast<std::int64_t>(facts.events.size());
    for (const LedgerEvent& event : facts.events) {
        if (event.copies > 1) counts.duplicates += event.copies - 1;
    }
    for (const TopicFacts& topic : facts.topics) {
        counts.records += topic.records;
        counts.foreign_records += topic.foreign;
    }
    counts.gateway_lines = facts.gateway.lines;
    return counts;
}

}  // namespace

bool is_final(const OrderFacts& order) {
    const auto& row = order.table.order;
    return row && (row->state == OrderState::COMPLETED || row->state == OrderState::CANCELLED);
}

bool awaits_gateway(const OrderFacts& order) {
    return order.table.payment && order.table.payment->state == PaymentState::SETTLED;
}

string event_text(const Facts& facts, const LedgerEvent& event) {
    return string(short_name(event.service)) + " seq " + std::to_string(event.seq) + " " +
           (event.kind ? string(events::type_name(*event.kind)) : "announcement") + " " +
           event.id.to_string() + " on " + facts.topics[event.topic].name;
}

std::optional<OrderId> order_of(const Facts& facts, std::uint32_t order) {
    return order == kNone ? std::nullopt : std::optional(facts.orders[order].id);
}

bool is_comparable(const Facts& facts, const OrderFacts& order,
                   std::span<const std::uint32_t> events) {
    if (!is_final(order) || order.parked) return false;
    return std::ranges::all_of(events, [&](std::uint32_t at) {
        const LedgerEvent& event = facts.events[at];
        if (!event.kind) return true;
        const auto consumers = consumers_of(event.service, *event.kind);
        return (event.arrived & consumers) == consumers;
    });
}

Report check(const Facts& facts, const History* history) {
    const EventsOfOrders events(facts);
    std::vector<bool> comparable(facts.orders.size());
    for (std::uint32_t i = 0; i < facts.orders.size(); ++i) {
        comparable[i] = is_comparable(facts, facts.orders[i], events.of(i));
    }
    Report report;
    Judge judge(report, std::move(comparable));
    report.counts = count(judge, facts);
    for (const string& group : facts.silent_groups) {
        report.notes.push_back(std::to_string(report.counts.settled) + " comparable of " +
                               std::to_string(report.counts.final) +
                               " final orders: no committed offsets of group " + group);
    }
    judge_accepted(judge, facts, history);
    judge_phantoms(judge, facts, history);
    judge_charges(judge, facts);
    judge_money(judge, facts);
    judge_stock(judge, facts);
    judge_fold(judge, facts, events);
    judge_topics(judge, facts, events);
    judge_once(judge, facts, events);
    return report;
}

string describe(const Difference& difference) {
    return string(short_name(difference.service)) + ": " + difference.field + ": ledger has " +
           difference.ledger + ", table has " + difference.table;
}

}  // namespace orderflow::orderctl
