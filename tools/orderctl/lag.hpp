#pragma once
// How far the consumer groups and the relays are, for `orderctl lag`: the data, and how they are
// read. One thread; blocks.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "orderctl/connect.hpp"
#include "orderctl/facts_readers.hpp"

namespace orderflow::orderctl {

struct PartitionView {
    std::string service, group, topic;
    std::int64_t partition = 0;
    std::optional<std::int64_t> committed;  // none: the group never committed there
    std::int64_t start = 0, end = 0;
    std::int64_t lag = 0;
    std::optional<bool> assigned;        // to a member of the group
    std::optional<std::string> trouble;  // why the group does not continue there, or may not
};
BOOST_DESCRIBE_STRUCT(PartitionView, (),
                      (service, group, topic, partition, committed, start, end, lag, assigned,
                       trouble))

// A consumer group of a service: its own one, or that of a further subscription.
struct GroupView {
    std::string service, group;
    bool own = true;
    bool consuming = false;  // it has a member
    // None while the group is assigning its partitions. As in ServiceView.
    std::optional<std::int64_t> members, idle, partitions;
};
BOOST_DESCRIBE_STRUCT(GroupView, (), (service, group, own, consuming, members, idle, partitions))

// A topic with fewer partitions than in the catalog, or with more than another topic of the saga.
struct TopicView {
    std::string topic;
    std::int64_t partitions = 0;  // 0: the topic does not exist
    std::int64_t catalog = 0;
};
BOOST_DESCRIBE_STRUCT(TopicView, (), (topic, partitions, catalog))

// A service's outbox and its table of parked records.
struct ServiceView {
    std::string service;
    // Its own group has a member; none: unknown, Kafka did not answer.
    std::optional<bool> consuming;
    // Known under the same condition, about its own group: its members, the members without an
    // assigned partition, and the partitions of its topics that can be shared. No more members than
    // these partitions are of use.
    std::optional<std::int64_t> members, idle, partitions;
    std::int64_t checkpoint = 0;
    std::int64_t end = 0;     // the outbox's last seq
    std::int64_t unsent = 0;  // rows above the checkpoint
    std::optional<std::int64_t> oldest_unsent_ms;
    std::int64_t parked = 0;
    std::int64_t dead = 0;
};
BOOST_DESCRIBE_STRUCT(ServiceView, (),
                      (service, consuming, members, idle, partitions, checkpoint, end, unsent,
                       oldest_unsent_ms, parked, dead))

// A lane of a service's relay: the saga's, or a topic of announcements.
struct LaneView {
    std::string service;
    std::string lane;
    std::int64_t checkpoint = 0;
    std::int64_t unsent = 0;
    std::optional<std::string> topic_id;
    std::optional<std::int64_t> remade_ms;    // time since another topic was found by this name
    std::optional<std::int64_t> refused_ms;   // how long the topic has refused; with the next three
    std::optional<std::int64_t> refused_seq;  // 0: it refuses every record
    std::optional<std::string> refused_why;
    std::optional<std::string> refused_error;
    std::int64_t skipped = 0;             // announcements that the topic would never have accepted
    std::optional<std::int64_t> held_ms;  // how long an operator has held the relay, and who
    std::optional<std::string> held_by;
};
BOOST_DESCRIBE_STRUCT(LaneView, (),
                      (service, lane, checkpoint, unsent, topic_id, remade_ms, refused_ms,
                       refused_seq, refused_why, refused_error, skipped, held_ms, held_by))

struct LagDocument {
    std::int64_t max_lag = 0;     // of a partition, in records
    std::int64_t max_unsent = 0;  // of a relay, in rows
    std::vector<ServiceView> services;
    std::vector<LaneView> lanes;
    std::vector<GroupView> groups;
    std::vector<PartitionView> partitions;
    std::vector<TopicView> differing;         // topics
    bool alike = true;                        // the saga's topics have equal numbers of partitions
    std::optional<std::string> groups_error;  // why further groups may be missing
    std::optional<std::string> kafka_error;   // why Kafka's data are missing
};
BOOST_DESCRIBE_STRUCT(LagDocument, (),
                      (max_lag, max_unsent, services, lanes, groups, partitions, differing, alike,
                       groups_error, kafka_error))

// Returns the groups of the services' further subscriptions: those of `names` that begin with a
// service's own group and '-' or '.'. If several services' own groups fit, it is the longest one's.
// In the order of kServices, then by name; without positions. Pure.
std::vector<ServiceGroup> further_groups(const std::map<Service, std::string>& own,
                                         const std::vector<std::string>& names);

// Removes a group's positions in topics that another group of its service reads instead: a topic
// moves to a further subscription together with its features, and the old group's offsets there
// no longer mean a lag. A group that has no member, or is assigning its partitions, keeps all
// positions: what it reads is unknown. Pure.
void remove_moved_topics(std::vector<ServiceGroup>& groups);

// Reads the databases, then Kafka. If Kafka does not answer, the document has only the data of the
// databases.
LagDocument read_lag(const Endpoints& endpoints);

}  // namespace orderflow::orderctl
