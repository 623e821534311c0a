#pragma once
// One order as `orderctl order` and `orderctl stuck` show it, and what follows from it: what an
// event undoes, what the order waits for and why, its way as a picture. Pure.
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
    bool relayed = false;                // the checkpoint of its lane of the relay is behind it
    std::optional<std::string> refusal;  // what the lane's topic does not take, and why
    std::optional<std::string> about;    // reason, participant, error
    std::optional<std::string> undoes;   // the event that it takes back
    std::optional<std::int64_t> partition, offset;  // its record, as analytics has seen it
    std::optional<std::int64_t> after_us;           // since the event before it
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
    // Payment's alone: calls without a clear outcome, and what an operator said for the gateway.
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
    std::optional<std::string> due_at;   // none: dead; of the record that it waits behind
    std::optional<std::int64_t> behind;  // that record's id
};
BOOST_DESCRIBE_STRUCT(ParkedRowView, (),
                      (service, id, topic, partition, offset, attempts, dead, error, parked_at,
                       due_at, behind))

struct OrderView {
    std::string id;
    std::optional<SagaView> order;
    std::optional<ParticipantView> inventory, payment, shipping;
    std::vector<EventView> events;
    std::vector<ParkedRowView> parked;
};

// The end of the order's partition that no consumer sees: behind the begin of an open transaction.
struct Hidden {
    std::int64_t partition = 0;
    std::int64_t from = 0;  // offsets
    std::int64_t end = 0;
};

// Where the stack is, and what Kafka says of the order's partition. Services by their short names.
struct Surroundings {
    Proposals propose;
    Instant now{};
    std::optional<std::string> trouble;  // Kafka was not to be asked
    std::set<std::string> idle;          // services whose group has no member
    // Records of the order's partition that a service could read and has not handled, by service
    // and topic.
    using Counts = std::map<std::pair<std::string, std::string>, std::int64_t>;
    Counts behind;
    Counts behind_before;  // where the order's events went before the topic got more partitions
    std::map<std::string, Hidden> hidden;  // by topic
};

// Whom the order waits for, and what ends that.
struct Wait {
    std::string whom;  // inventory, payment, shipping, operator, relay
    std::string since;
    std::string why;
    std::optional<std::string> mend;  // the command that ends it; none: it ends by itself
};
BOOST_DESCRIBE_STRUCT(Wait, (), (whom, since, why, mend))

// In time order (each ledger's own order kept) or, where the clocks put an effect before its cause,
// in the saga's order; each compensation with what it undoes, each event with the time since the
// one before, never below 0.
void sort_and_link(std::vector<EventView>& events);

// What keeps the order from its end, or its end from having its effect; empty if nothing does.
std::vector<Wait> waits_for(const OrderView& order, const Surroundings& around);

// The saga's way, a row a step: forward, and beside it what took it back.
struct StepView {
    enum class Mark { done, refused, waiting, skipped };
    Mark mark = Mark::skipped;
    std::string step;  // StockReserved
    std::string service;
    std::string outcome;  // "+4.1 ms", "CARD_DECLINED +20 ms", "waiting", "not reached"
    std::string back;     // "StockReleased +6.0 ms", "nothing to undo", "waiting"; empty: none
};
std::vector<StepView> steps_of(const OrderView& order);

// "SETTLED as REFUNDED by kim, 1500 KRW".
std::string standing_text(const ParticipantView& row);

}  // namespace orderflow::orderctl
