#pragma once
// One member of a consumer group, as its consumer loop sees it. It follows kafka/membership.cpp,
// with the same MemberPositions, over the simulated broker. It notices a rebalance when it polls,
// like a client that was busy or stopped: until then it works on records that no longer belong to
// it. It notices a recreated topic some polls later. One thread.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kafka/positions.hpp"
#include "kafka/record.hpp"
#include "simulation/broker.hpp"

namespace orderflow::simulation {

class Member final : public kafka::RecordSource {
public:
    Member(Broker& broker, const Place& place);
    ~Member() override;

    std::vector<kafka::Record> poll(Gathering&, std::chrono::milliseconds) override;
    void processed(const std::vector<kafka::Record>& records) override;
    bool hold(std::chrono::milliseconds, std::stop_token) override;
    void close() override {}

    // What a member that still responds does when its partitions are taken away.
    void commit();
    bool answers() const { return !place_.victim->frozen() && !place_.victim->doomed(); }

private:
    // The position from which it reads next, and the id of the log as it was when this member began
    // to read it.
    struct Reading {
        std::int64_t position = 0;
        std::string log;
        bool over_marker = false;  // only markers since the last record
        bool was_reset = false;    // no record since the position was reset
    };
    using Readings = std::map<TopicPartition, Reading>;

    bool is(Mutant mutant) const { return world_.mutant == mutant; }
    void take_assignment();
    void begin(const TopicPartition& where);
    void find_logs_made_anew();
    void step_over(const TopicPartition& where, Reading& reading);
    std::vector<Readings::value_type*> with_records();

    Broker& broker_;
    World& world_;
    Broker::Group& group_;
    const Place place_;
    int generation_ = -1;
    Readings readings_;
    kafka::MemberPositions positions_;
    std::map<TopicPartition, std::int64_t> greatest_;  // the offsets that a mutant commits
};

}  // namespace orderflow::simulation
