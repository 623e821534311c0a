// Part of check.hpp: the topics' records (I9, I10).
#include <algorithm>
#include <map>
#include <set>

#include "core/enums.hpp"
#include "kafka/topic_layout.hpp"
#include "orderctl/judge.hpp"
#include "orderctl/records.hpp"

namespace orderflow::orderctl {
namespace {

using events::EventKind;
using std::string;

// ---- I9 ----------------------------------------------------------------------------------------

// Whether the later event was sent after the topic had got more partitions, and its key had moved
// to another one with them. Consumers can handle this (docs/adr/0009).
bool has_moved(const Facts& facts, const LedgerEvent& last, const LedgerEvent& event) {
    const string key = event.product != kNone ? facts.products[event.product].id
                                              : facts.orders[event.order].id.to_string();
    const auto count = static_cast<std::int32_t>(facts.topics[event.topic].partitions.size());
    const auto homes = kafka::homes_of(key, facts.fewest_partitions, count);
    const auto from = std::ranges::find(homes, std::int32_t{last.partition});
    return std::find(from, homes.end(), std::int32_t{event.partition}) != homes.end();
}

// Judges two events of one order, or product, and one service: the first record of the later event
// must come after the first record of the earlier one.
void judge_place(Judge& judge, const char* id, const Facts& facts, const LedgerEvent& event,
                 const LedgerEvent*& last) {
    if (event.copies == 0 || !event.kind) return;
    const auto place = [](const LedgerEvent& e) {
        return std::to_string(e.partition) + "@" + std::to_string(e.offset);
    };
    const bool elsewhere = last && last->partition != event.partition;
    const bool before = last && !elsewhere && last->offset > event.offset;
    if (before || (elsewhere && !has_moved(facts, *last, event))) {
        const string what = event_text(facts, event) + " is at " + place(event) +
                            ", an earlier event is at " + place(*last);
        if (event.product != kNone) {
            judge.violated_product(id, facts.products[event.product].id, what);
        } else {
            judge.violated(id, order_of(facts, event.order), what);
        }
    }
    last = &event;
}

void judge_order_of_records(Judge& judge, const char* id, const Facts& facts,
                            const EventsOfOrders& events) {
    for (std::uint32_t i = 0; i < facts.orders.size(); ++i) {
        std::array<const LedgerEvent*, 5> before{};  // by service
        for (const std::uint32_t at : events.of(i)) {
            const LedgerEvent& event = facts.events[at];
            judge_place(judge, id, facts, event, before[static_cast<std::size_t>(event.service)]);
        }
    }
    std::vector<const LedgerEvent*> before(facts.products.size());
    for (const LedgerEvent& event : facts.events) {
        if (event.product == kNone) continue;
        judge_place(judge, id, facts, event, before[event.product]);
    }
}

void judge_strays(Judge& judge, const char* id, const Facts& facts) {
    for (const StrayRecord& stray : facts.strays) {
        const string record = stray.type + " " + stray.ce_id + " at " + stray.topic + "/" +
                              std::to_string(stray.partition) + "@" + std::to_string(stray.offset);
        if (stray.event == kNone) {
            judge.violated(id, order_of(facts, stray.order), "in no ledger: " + record);
        } else {
            judge.violated(id, order_of(facts, stray.order),
                           "a record differs from its ledger row: " + record + ", " +
                               event_text(facts, facts.events[stray.event]));
        }
    }
    judge.count(id, facts.more_strays);
}

void judge_groups(Judge& judge, const char* id, const Facts& facts) {
    for (const StrayGroup& stray : facts.stray_groups) {
        judge.violated(id, std::nullopt,
                       "group " + stray.group + " has committed offset " +
                           std::to_string(stray.committed) + " of " + stray.topic + "/" +
                           std::to_string(stray.partition) +
                           (stray.of_another_log ? " in a log that no longer exists"
                                                 : ", which ends at " + std::to_string(stray.end)));
    }
}

// The checkpoint of the event's lane of the relay. Announcements only inform: if their topic was
// deleted or recreated, or rejected some of them, none counts as missing.
std::int64_t checkpoint_of(const Facts& facts, const LedgerEvent& event) {
    const auto service = static_cast<std::size_t>(event.service);
    if (event.kind) return facts.checkpoints[service];
    const auto& lanes = facts.announced[service];
    const TopicFacts& topic = facts.topics[event.topic];
    const auto lane = lanes.find(topic.name);
    return lane == lanes.end() || lane->second.log != topic.log ? 0 : lane->second.checkpoint;
}

}  // namespace

void judge_topics(Judge& judge, const Facts& facts, const EventsOfOrders& events) {
    constexpr const char* kId = "I9";
    judge.open(kId, "ledger = topics, each order's records in its order");
    if (!facts.topics_read) return judge.not_judged(kId, "the topics were not read");
    std::int64_t waiting = 0;
    std::int64_t expired = 0;
    for (const LedgerEvent& event : facts.events) {
        if (event.copies > 0) continue;
        if (event.seq > checkpoint_of(facts, event)) {
            ++waiting;
        } else if (is_expired(facts, event)) {
            ++expired;
        } else {
            judge.violated(kId, order_of(facts, event.order),
                           "not in its topic: " + event_text(facts, event));
        }
    }
    for (const std::uint32_t at : facts.doubled_ids) {
        judge.violated(kId, order_of(facts, facts.events[at].order),
                       "event id is used twice: " + event_text(facts, facts.events[at]));
    }
    judge_strays(judge, kId, facts);
    judge_groups(judge, kId, facts);
    judge_order_of_records(judge, kId, facts, events);
    if (waiting > 0) judge.note(kId, std::to_string(waiting) + " rows not relayed yet");
    if (expired > 0) judge.note(kId, std::to_string(expired) + " expired by retention");
}

// ---- I10 ---------------------------------------------------------------------------------------

void judge_once(Judge& judge, const Facts& facts, const EventsOfOrders& events) {
    constexpr const char* kId = "I10";
    judge.open(kId, "one event per order, participant and kind");
    std::multimap<std::uint32_t, const StrayRecord*> strays;
    for (const StrayRecord& stray : facts.strays) {
        const bool event = stray.kind && stray.event == kNone;
        if (event && stray.order != kNone) strays.emplace(stray.order, &stray);
    }
    for (std::uint32_t i = 0; i < facts.orders.size(); ++i) {
        std::map<std::pair<Service, EventKind>, std::set<string>> seen;
        const auto of_order = events.of(i);
        const bool one_each = of_order.size() < 2 && strays.count(i) == 0;
        if (one_each) continue;
        for (const std::uint32_t at : of_order) {
            const LedgerEvent& event = facts.events[at];
            if (event.kind) seen[{event.service, *event.kind}].insert(event.id.to_string());
        }
        const auto [begin, end] = strays.equal_range(i);
        for (auto stray = begin; stray != end; ++stray) {
            seen[{stray->second->producer, *stray->second->kind}].insert(stray->second->ce_id);
        }
        for (const auto& [what, ids] : seen) {
            if (ids.size() < 2) continue;
            string list;
            for (const string& id : ids) list += " " + id;
            judge.violated(kId, facts.orders[i].id,
                           std::to_string(ids.size()) + " events " +
                               string(events::type_name(what.second)) + " of " +
                               string(short_name(what.first)) + ":" + list);
        }
    }
}

}  // namespace orderflow::orderctl
