#pragma once
// Collects the verdicts of check*.cpp. One thread.
#include <algorithm>
#include <utility>

#include "orderctl/check.hpp"

namespace orderflow::orderctl {

bool is_final(const OrderFacts& order);
// An operator has settled the payment in place of the gateway, which has not answered yet.
bool awaits_gateway(const OrderFacts& order);
// "payment seq 7 PaymentCaptured.v1 0190… on payment-events".
std::string event_text(const Facts& facts, const LedgerEvent& event);
std::optional<OrderId> order_of(const Facts& facts, std::uint32_t order);

class Judge {
public:
    // `comparable` is indexed like Facts::orders.
    Judge(Report& report, std::vector<bool> comparable)
        : report_(report), comparable_(std::move(comparable)) {}

    bool is_comparable(std::uint32_t order) const { return comparable_[order]; }

    void open(const char* id, const char* title) {
        report_.invariants.push_back({id, title, Verdict::ok, 0, {}});
    }
    void not_judged(const char* id, const std::string& why) {
        find(id).verdict = Verdict::not_judged;
        note(id, why);
    }
    void note(const char* id, const std::string& text) {
        std::string& note = find(id).note;
        note += (note.empty() ? "" : "; ") + text;
    }
    // Adds violations that were counted but not kept.
    void count(const char* id, std::int64_t violations) {
        if (violations == 0) return;
        find(id).verdict = Verdict::violated;
        find(id).violations += violations;
    }
    void violated(const char* id, const std::optional<OrderId>& order, const std::string& what) {
        add({id, order, std::nullopt, what, {}});
    }
    void violated_product(const char* id, const std::string& product, const std::string& what) {
        add({id, std::nullopt, product, what, {}});
    }

private:
    Invariant& find(const std::string& id) {
        return *std::ranges::find(report_.invariants, id, &Invariant::id);
    }
    void add(Violation violation) {
        Invariant& invariant = find(violation.invariant);
        invariant.verdict = Verdict::violated;
        if (++invariant.violations > kMaxViolations) return;
        report_.violations.push_back(std::move(violation));
    }

    Report& report_;
    std::vector<bool> comparable_;
};

// check_money.cpp
void judge_charges(Judge& judge, const Facts& facts);
void judge_money(Judge& judge, const Facts& facts);
// check_records.cpp
void judge_topics(Judge& judge, const Facts& facts, const EventsOfOrders& events);
void judge_once(Judge& judge, const Facts& facts, const EventsOfOrders& events);

}  // namespace orderflow::orderctl
