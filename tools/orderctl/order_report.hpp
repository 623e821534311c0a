#pragma once
// The report on one order, for `orderctl order` and `orderctl stuck`: the services' rows and events
// of the order, and what is derived from them: what an event undoes, what the order waits for and
// why, its way as a picture. Pure.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/describe.hpp>

#include "core/time.hpp"
#include "orderctl/proposals.hpp"

namespace orderflow::orderctl {

// A row of a ledger. Times are RFC 3339, UTC.
struct EventView {
    std::string time;
    std::string service;
    std::int64_t seq = 0;
    std::string type;  // without its version
    std::string event_id;
    std::string topic;
    bool relayed = false;                           // the checkpoint of its lane is at or past it
    std::optional<std::string> refusal;             // what the lane's topic refuses, and why
    std::optional<std::string> about;               // reason, participant, error
    std::optional<std::string> undoes;              // the event that it takes back
    std::optional<std::int64_t> partition, offset;  // of its record, as analytics received it
    std::optional<std::int64_t> after_us;           // time since the previous event
};
BOOST_DESCRIBE_STRUCT(EventView, (),
                      (time, service, seq, type, event_id, topic, relayed, refusal, about, undoes,
                       partition, offset, after_us))

struct SagaView {
    std::string state;
    std::optional<std::string> reason;
    std::int64_t answers = 0;  // bits: inventory 1, payment 2, shipping 4
    std::string customer_id;
    std::int64_t total = 0;
    std::string currency;
    std::string placed_at;
    std::optional<std::string> reserved_at, captured_at, cancelling_at, finished_at;
};
BOOST_DESCRIBE_STRUCT(SagaView, (),
                      (state, reason, answers, customer_id, total, currency, placed_at, reserved_at,
                       captured_at, cancelling_at, finished_at))

struct ParticipantView {
    std::string state;
    std::optional<std::string> reason;
    std::optional<std::string> detail;
    std::optional<std::string> since;
    // For payment only: calls without a clear outcome, and an operator's settlement.
    std::optional<std::int64_t> attempts;
    std::optional<std::string> settled_as, settled_by;
};
BOOST_DESCRIBE_STRUCT(ParticipantView, (),
                      (state, reason, detail, since, attempts, settled_as, settled_by))

struct ParkedRowView {
    std::string service;
    std::int64_t id = 0;
    std::string topic;
    std::int64_t partition = 0;
    std::int64_t offset = 0;
    std::int64_t attempts = 0;
    bool dead = false;
    std::string error;
    std::string parked_at;
    std::optional<std::string> due_at;   // none: dead; if `behind` is set, of that record
    std::optional<std::int64_t> behind;  // the id of the record that it waits behind
};
BOOST_DESCRIBE_STRUCT(ParkedRowView, (),
                      (service, id, topic, partition, offset, attempts, dead, error, parked_at,
                       due_at, behind))

// Everything that is known of one order, collected from all services.
struct OrderReport {
    std::string id;
    std::optional<SagaView> order;
    std::optional<ParticipantView> inventory, payment, shipping;
    std::vector<EventView> events;
    std::vector<ParkedRowView> parked;
};

// The last records of the order's partition, which no consumer can read yet: they come after the
// start of an open transaction.
struct Hidden {
    std::int64_t partition = 0;
    std::int64_t from = 0;  // offsets
    std::int64_t end = 0;
};

// The addresses of the stack, and Kafka's data about the order's partition. Services by their short
// names.
struct Surroundings {
    Proposals propose;
    Instant now{};
    std::optional<std::string> trouble;  // why Kafka was unavailable
    std::set<std::string> idle;          // services whose group has no member
    // Number of records of the order's partition that a service could read and has not handled, by
    // service and topic.
    using Counts = std::map<std::pair<std::string, std::string>, std::int64_t>;
    Counts behind;
    Counts behind_before;                  // in the order's partition from before the topic grew
    std::map<std::string, Hidden> hidden;  // by topic
};

// What the order waits for, and what ends the wait.
struct Wait {
    std::string whom;  // inventory, payment, shipping, operator, relay
    std::string since;
    std::string why;
    std::optional<std::string> mend;  // the command that ends the wait; none: it ends by itself
};
BOOST_DESCRIBE_STRUCT(Wait, (), (whom, since, why, mend))

// Sorts events by time; each ledger keeps its own order. If the clocks put an effect before its
// cause, the saga's order decides. Each compensation is linked to the event that it undoes. Each
// event gets the time since the previous one, never below 0.
void sort_and_link(std::vector<EventView>& events);

// Returns what keeps the order from its end, or the end from taking effect; empty if nothing does.
std::vector<Wait> waits_for(const OrderReport& order, const Surroundings& around);

// The saga's way, one row for each step: the forward event, and beside it the event that took it
// back.
struct StepView {
    enum class Mark { done, refused, waiting, skipped };
    Mark mark = Mark::skipped;
    std::string step;  // StockReserved
    std::string service;
    std::string outcome;  // "+4.1 ms", "CARD_DECLINED +20 ms", "waiting", "not reached"
    std::string back;     // "StockReleased +6.0 ms", "nothing to undo", "waiting"; empty: none
};
std::vector<StepView> steps_of(const OrderReport& order);

// "SETTLED as REFUNDED by kim, 1500 KRW".
std::string standing_text(const ParticipantView& row);

}  // namespace orderflow::orderctl
