#pragma once
// One order as `orderctl order` shows it, and what follows from it: what an event undoes, what the
// order waits for. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>

namespace orderflow::orderctl {

// A row of a ledger. Times are RFC 3339, UTC.
struct EventView {
    std::string time;
    std::string service;
    std::int64_t seq = 0;
    std::string type;  // without its version
    std::string event_id;
    std::string topic;
    bool relayed = false;               // the relay's checkpoint is behind it
    std::optional<std::string> about;   // reason, participant, error
    std::optional<std::string> undoes;  // the event that it takes back
};
BOOST_DESCRIBE_STRUCT(EventView, (), (time, service, seq, type, event_id, topic, relayed, about,
                                      undoes))

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
BOOST_DESCRIBE_STRUCT(SagaView, (), (state, reason, answers, customer_id, total, currency,
                                     placed_at, reserved_at, captured_at, cancelling_at,
                                     finished_at))

struct ParticipantView {
    std::string state;
    std::optional<std::string> reason;
    std::optional<std::string> detail;
    std::optional<std::string> since;
};
BOOST_DESCRIBE_STRUCT(ParticipantView, (), (state, reason, detail, since))

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
    std::optional<std::string> due_at;
};
BOOST_DESCRIBE_STRUCT(ParkedRowView, (), (service, id, topic, partition, offset, attempts, dead,
                                          error, parked_at, due_at))

struct OrderView {
    std::optional<SagaView> order;
    std::optional<ParticipantView> inventory, payment, shipping;
    std::vector<EventView> events;
    std::vector<ParkedRowView> parked;
};

// In time order (each ledger's own order kept), each compensation with what it undoes.
void sort_and_link(std::vector<EventView>& events);

// What keeps the order from its end, or its end from having its effect; empty if nothing does.
std::vector<std::string> waits_for(const OrderView& order);

}  // namespace orderflow::orderctl
