#include "orderctl/lag.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "json/json.hpp"
#include "kafka/positions.hpp"
#include "kafka/topic_layout.hpp"
#include "orderctl/facts_readers.hpp"
#include "orderctl/kafka_look.hpp"

namespace orderflow::orderctl {
namespace {

constexpr std::chrono::milliseconds kPatience{3'000};  // for a Kafka that does not answer

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

void count_members(const kafka::GroupPositions& group, ServiceView& view) {
    view.idle = group.idle_members();
    if (!view.idle) return;
    view.members = std::ssize(group.members);
    std::int64_t partitions = 0;
    for (const auto& [topic, layout] : group.topics) {
        partitions = std::max<std::int64_t>(partitions, layout.partitions);
    }
    view.partitions = partitions;
}

void read_groups(const Endpoints& endpoints, LagDocument& document) {
    must_answer(endpoints.kafka(), kPatience);
    const auto busy = groups_with_members(endpoints);
    for (std::size_t i = 0; i < kServices.size(); ++i) {
        document.services[i].consuming =
            std::ranges::find(busy, endpoints.group(kServices[i])) != busy.end();
    }
    std::map<std::string, std::int64_t> there;
    const TopicsReader reader(endpoints);
    for (const GroupView& group : reader.groups()) {
        const auto service = std::ranges::find(kServices, group.service) - kServices.begin();
        count_members(group.positions, document.services[service]);
        for (const auto& [topic, layout] : group.positions.topics) there[topic] = layout.partitions;
        for (const kafka::PartitionPosition& at : group.positions.partitions) {
            const auto trouble = trouble_of(at, group.positions);
            document.partitions.push_back(
                {std::string(short_name(group.service)), group.group, at.topic, at.partition,
                 at.committed, at.start, at.end, at.lag(), at.assigned,
                 trouble.empty() ? std::nullopt : std::optional(trouble)});
            document.max_lag = std::max(document.max_lag, at.lag());
        }
    }
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

}  // namespace

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
