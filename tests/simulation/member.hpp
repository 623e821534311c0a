#pragma once
// One member of a consumer group, as its consumer loop sees it. It follows kafka_consumer.cpp, with
// the same MemberPositions, over the simulated broker. It learns of a rebalance when it polls, like
// a client that was busy or stopped: until then it works on what is no longer its own. Of a topic
// that was made anew it learns some polls later.
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

    // What a member that is still heard of does as its partitions are taken away.
    void commit();
    bool answers() const { return !place_.victim->frozen() && !place_.victim->doomed(); }

private:
    // Where it reads next, and in which log it believes to be.
    struct Reading {
        std::int64_t position = 0;
        std::string log;
        bool over_marker = false;  // nothing but markers since the last record
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
    std::map<TopicPartition, std::int64_t> greatest_;  // what a mutant commits
};

}  // namespace orderflow::simulation
