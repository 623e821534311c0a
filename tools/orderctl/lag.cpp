#include "orderctl/lag.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "json/json.hpp"
#include "kafka/group_positions.hpp"
#include "kafka/positions.hpp"
#include "kafka/topic_layout.hpp"
#include "orderctl/kafka_look.hpp"

namespace orderflow::orderctl {
namespace {

constexpr std::chrono::milliseconds kPatience{3'000};  // for a Kafka that does not answer
constexpr std::chrono::milliseconds kRequest{10'000};

ServiceView read_service(AuditDatabase& database) {
    const auto rows =
        database.json_rows("SELECT '" + std::string(short_name(database.service())) + R"('
               AS service, r.checkpoint, coalesce(o.last, 0) AS end,
               coalesce(u.unsent, 0) AS unsent,
               (extract(epoch FROM clock_timestamp() - u.oldest) * 1000)::bigint
                   AS "oldestUnsentMs", p.parked, p.dead
        FROM audit_v1_relay r,
             (SELECT max(seq) AS last FROM audit_v1_outbox) o,
             LATERAL (SELECT count(*) AS unsent, min(recorded_at) AS oldest
                      FROM audit_v1_outbox WHERE seq > r.checkpoint) u,
             (SELECT count(*) FILTER (WHERE NOT dead) AS parked,
                     count(*) FILTER (WHERE dead) AS dead FROM audit_v1_parked) p)");
    return json::read_json<ServiceView>(rows.at(0), json::UnknownMembers::ignore).value();
}

// Returns why a group may not continue in a partition; empty: no problem.
std::string trouble_of(const kafka::PartitionPosition& at, const kafka::GroupPositions& group) {
    if (at.committed_elsewhere()) {
        return "committed in a log that no longer exists: the topic was recreated, and the group "
               "reads it from its start";
    }
    if (at.committed_beyond_end()) {
        return "committed beyond the end: the log was truncated, or it is another log";
    }
    if (at.held_up()) {
        return "an open transaction hides what follows offset " + std::to_string(at.readable_end);
    }
    if (group.rebalancing || !group.has_members || at.assigned != false) return {};
    return "assigned to no member of the group";
}

bool is_consumed(const events::TopicSettings& topic) {
    return std::ranges::any_of(kServices, [&](Service service) {
        const auto consumed = events::topics_consumed_by(service);
        return std::ranges::find(consumed, topic.name) != consumed.end();
    });
}

// The saga's rows are counted in read_service().
std::vector<LaneView> read_lanes(AuditDatabase& database, std::int64_t saga_unsent) {
    const auto rows =
        database.json_rows("SELECT '" + std::string(short_name(database.service())) + R"('
               AS service, l.lane, l.checkpoint,
               (SELECT count(*) FROM audit_v1_outbox o
                WHERE o.topic = l.lane AND o.seq > l.checkpoint
                      AND o.type IN ('RecordParked.v1', 'RecordDied.v1')) AS unsent,
               l.topic_id AS "topicId",
               (extract(epoch FROM clock_timestamp() - l.remade_at) * 1000)::bigint AS "remadeMs",
               (extract(epoch FROM clock_timestamp() - l.refused_at) * 1000)::bigint
                   AS "refusedMs", l.refused_seq AS "refusedSeq", l.refused_why AS "refusedWhy",
               l.refused_error AS "refusedError", l.skipped,
               (extract(epoch FROM clock_timestamp() - l.held_at) * 1000)::bigint AS "heldMs",
               l.held_by AS "heldBy"
        FROM audit_v1_relay_lanes l ORDER BY l.lane <> 'saga', l.lane)");
    std::vector<LaneView> lanes;
    for (const std::string& row : rows) {
        lanes.push_back(json::read_json<LaneView>(row, json::UnknownMembers::ignore).value());
        if (lanes.back().lane == "saga") lanes.back().unsent = saga_unsent;
    }
    return lanes;
}

std::ptrdiff_t place_of(Service service) {
    return std::ranges::find(kServices, service) - kServices.begin();
}

// Whether a member of the group has a partition of the topic.
bool reads(const kafka::GroupPositions& group, const std::string& topic) {
    return std::ranges::any_of(group.partitions, [&](const kafka::PartitionPosition& at) {
        return at.topic == topic && at.assigned == true;
    });
}

// Without groups that have neither offsets nor assigned partitions.
std::vector<ServiceGroup> read_further_groups(const Endpoints& endpoints, LagDocument& document) {
    const kafka::ClientHandle client = kafka::make_asking_client(endpoints.kafka());
    const GroupNames listed = list_groups(client, kPatience);
    if (!listed.trouble.empty()) document.groups_error = listed.trouble;
    std::map<Service, std::string> own;
    for (const Service service : kServices) own[service] = endpoints.group(service);
    std::vector<ServiceGroup> groups;
    for (ServiceGroup& group : further_groups(own, listed.names)) {
        const auto topics = topics_of_group(client, group.group);
        if (topics.empty()) continue;
        try {
            group.positions = kafka::read_group(client.get(), group.group, topics, kRequest);
        } catch (const kafka::NoAnswer& error) {
            throw CannotDo(std::string("Kafka: ") + error.what());
        }
        if (!group.positions.unknown.empty()) {
            throw CannotDo("Kafka: the end of a topic: " + group.positions.unknown.front());
        }
        groups.push_back(std::move(group));
    }
    return groups;
}

// By service: its own group, then the others.
std::vector<ServiceGroup> read_all_groups(const Endpoints& endpoints, LagDocument& document) {
    std::vector<ServiceGroup> groups = TopicsReader(endpoints).groups();
    std::ranges::move(read_further_groups(endpoints, document), std::back_inserter(groups));
    std::ranges::stable_sort(groups, {},
                             [](const ServiceGroup& group) { return place_of(group.service); });
    remove_moved_topics(groups);
    return groups;
}

GroupView view_of(const ServiceGroup& group, bool own) {
    GroupView view{std::string(short_name(group.service)),
                   group.group,
                   own,
                   group.positions.has_members,
                   std::nullopt,
                   group.positions.idle_members(),
                   std::nullopt};
    if (!view.idle) return view;
    view.members = std::ssize(group.positions.members);
    std::int64_t partitions = 0;
    for (const auto& [topic, layout] : group.positions.topics) {
        partitions = std::max<std::int64_t>(partitions, layout.partitions);
    }
    view.partitions = partitions;
    return view;
}

void add_partitions(const ServiceGroup& group, LagDocument& document) {
    for (const kafka::PartitionPosition& at : group.positions.partitions) {
        const auto trouble = trouble_of(at, group.positions);
        document.partitions.push_back({std::string(short_name(group.service)), group.group,
                                       at.topic, at.partition, at.committed, at.start, at.end,
                                       at.lag(), at.assigned,
                                       trouble.empty() ? std::nullopt : std::optional(trouble)});
        document.max_lag = std::max(document.max_lag, at.lag());
    }
}

void compare_with_catalog(std::map<std::string, std::int64_t>& there, LagDocument& document) {
    std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
    for (const auto& topic : events::topics()) {
        if (is_consumed(topic)) fewest = std::min(fewest, there[std::string(topic.name)]);
    }
    for (const auto& topic : events::topics()) {
        if (!is_consumed(topic)) continue;
        const std::string name(topic.name);
        document.alike = document.alike && there[name] == fewest;
        if (there[name] >= topic.partitions && there[name] == fewest) continue;
        document.differing.push_back({name, there[name], topic.partitions});
    }
}

void read_groups(const Endpoints& endpoints, LagDocument& document) {
    must_answer(endpoints.kafka(), kPatience);
    const auto busy = groups_with_members(endpoints);
    for (std::size_t i = 0; i < kServices.size(); ++i) {
        document.services[i].consuming =
            std::ranges::find(busy, endpoints.group(kServices[i])) != busy.end();
    }
    std::map<std::string, std::int64_t> there;
    for (const ServiceGroup& group : read_all_groups(endpoints, document)) {
        const bool own = group.group == endpoints.group(group.service);
        GroupView view = view_of(group, own);
        if (own) {
            ServiceView& service = document.services[place_of(group.service)];
            view.consuming = service.consuming == true;
            std::tie(service.members, service.idle, service.partitions) =
                std::tie(view.members, view.idle, view.partitions);
        }
        document.groups.push_back(std::move(view));
        add_partitions(group, document);
        for (const auto& [topic, layout] : group.positions.topics) there[topic] = layout.partitions;
    }
    compare_with_catalog(there, document);
}

}  // namespace

std::vector<ServiceGroup> further_groups(const std::map<Service, std::string>& own,
                                         const std::vector<std::string>& names) {
    std::vector<ServiceGroup> groups;
    for (const std::string& name : names) {
        const std::pair<const Service, std::string>* owner = nullptr;
        bool is_own = false;
        for (const auto& entry : own) {
            const std::string& group = entry.second;
            is_own = is_own || name == group;
            const bool begins = !group.empty() && name.size() > group.size() &&
                                name.starts_with(group) &&
                                (name[group.size()] == '-' || name[group.size()] == '.');
            if (begins && (!owner || group.size() > owner->second.size())) owner = &entry;
        }
        if (owner && !is_own) groups.push_back({owner->first, name, {}});
    }
    std::ranges::sort(groups, {}, [](const ServiceGroup& group) {
        return std::pair(place_of(group.service), group.group);
    });
    return groups;
}

void remove_moved_topics(std::vector<ServiceGroup>& groups) {
    for (ServiceGroup& group : groups) {
        kafka::GroupPositions& positions = group.positions;
        if (!positions.has_members || positions.rebalancing) continue;
        std::set<std::string> moved;
        for (const auto& [topic, layout] : positions.topics) {
            if (reads(positions, topic)) continue;
            const bool is_read = std::ranges::any_of(groups, [&](const ServiceGroup& other) {
                return other.service == group.service && reads(other.positions, topic);
            });
            if (is_read) moved.insert(topic);
        }
        std::erase_if(positions.partitions,
                      [&](const kafka::PartitionPosition& at) { return moved.contains(at.topic); });
        std::erase_if(positions.topics,
                      [&](const auto& layout) { return moved.contains(layout.first); });
    }
}

LagDocument read_lag(const Endpoints& endpoints) {
    LagDocument document;
    for (const auto& database : open_databases(endpoints)) {
        auto view = read_service(*database);
        for (LaneView& lane : read_lanes(*database, view.unsent)) {
            document.max_unsent = std::max(document.max_unsent, lane.unsent);
            document.lanes.push_back(std::move(lane));
        }
        document.services.push_back(std::move(view));
    }
    try {
        read_groups(endpoints, document);
    } catch (const CannotDo& error) {
        document.kafka_error = error.what();
    }
    return document;
}

}  // namespace orderflow::orderctl
