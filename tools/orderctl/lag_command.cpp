// `orderctl lag`.
#include <algorithm>
#include <limits>
#include <map>
#include <memory>

#include "json/json.hpp"
#include "kafka/positions.hpp"
#include "kafka/topic_layout.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/facts_readers.hpp"
#include "orderctl/kafka_look.hpp"
#include "orderctl/terminal.hpp"

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

// A topic with fewer partitions than in the catalog, or with more than another topic of the saga.
struct TopicView {
    std::string topic;
    std::int64_t partitions = 0;  // 0: the topic does not exist
    std::int64_t catalog = 0;
};
BOOST_DESCRIBE_STRUCT(TopicView, (), (topic, partitions, catalog))

// A service's outbox and its table of parked records.
struct StandingView {
    std::string service;
    std::optional<bool> consuming;  // its group has a member; none: unknown, Kafka did not answer
    // Known under the same condition, about the group: its members, the members without an assigned
    // partition, and the partitions of its topics that can be shared. No more members than these
    // partitions are of use.
    std::optional<std::int64_t> members, idle, partitions;
    std::int64_t checkpoint = 0;
    std::int64_t end = 0;     // the outbox's last seq
    std::int64_t unsent = 0;  // rows above the checkpoint
    std::optional<std::int64_t> oldest_unsent_ms;
    std::int64_t parked = 0;
    std::int64_t dead = 0;
};
BOOST_DESCRIBE_STRUCT(StandingView, (),
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
    std::vector<StandingView> services;
    std::vector<LaneView> lanes;
    std::vector<PartitionView> partitions;
    std::vector<TopicView> differing;        // topics
    bool alike = true;                       // the saga's topics have equal numbers of partitions
    std::optional<std::string> kafka_error;  // why Kafka's data are missing
};
BOOST_DESCRIBE_STRUCT(LagDocument, (),
                      (max_lag, max_unsent, services, lanes, partitions, differing, alike,
                       kafka_error))

namespace {

constexpr const char* kHelp =
    "Shows the progress of each consumer group per topic and partition, and of each relay in its "
    "outbox, and the number of parked records.";
constexpr const char* kExample = R"(
Examples:
  orderctl lag                          services, and topics with their sums
  orderctl lag --partitions             every partition
  orderctl lag --max-lag 1000           for a monitor: exit code 1 if a lag is larger
  orderctl lag --json | jq '.partitions[] | select(.lag > 0)'
MEMBERS counts the members of the consumer group: one for each --consumers of each instance. Members
beyond a topic's number of partitions are idle. During a rebalance the number is unknown: "?".
LAG counts records that a group has not committed; a group commits after its transaction.
Records that retention has deleted are not lag. If a group has committed beyond a log's end, or the
topic was recreated since, the group begins at the log's start: the whole log is lag. Below a topic
are the partitions that lag, or in which something stops the group.
UNSENT counts outbox rows above the relay's checkpoint. The relay moves the checkpoint about once a
second, so newer rows may be in Kafka already. Below a service: the rows that a topic refuses. They
are the service's events, or its announcements of parked records, which are sent by topic.
Dead records wait for an operator: orderctl records list.
Exit code 1: --max-lag is exceeded, by a partition's lag or a relay's unsent rows. 2: Kafka does not
answer; the facts from the databases are shown nevertheless.)";

constexpr std::chrono::milliseconds kPatience{3'000};  // for a Kafka that does not answer

struct LagOptions {
    std::optional<std::int64_t> max_lag;
    bool partitions = false;
};

StandingView read_standing(AuditDatabase& database) {
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
    return json::read_json<StandingView>(rows.at(0), json::UnknownMembers::ignore).value();
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

// The saga's rows are counted in read_standing().
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

void count_members(const kafka::GroupPositions& group, StandingView& view) {
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

LagDocument read_lag(const Endpoints& endpoints) {
    LagDocument document;
    for (const auto& database : open_databases(endpoints)) {
        auto view = read_standing(*database);
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

std::string ago(std::int64_t ms) { return duration_text(std::chrono::milliseconds(ms)); }

// Returns the problems of a lane.
std::vector<std::string> troubles(const LaneView& lane) {
    constexpr std::int64_t kNewsMs = 24 * 3'600'000;
    const std::string topic = lane.lane == "saga" ? lane.service + "-events" : lane.lane;
    std::vector<std::string> texts;
    if (lane.held_ms) {
        texts.push_back("held by " + lane.held_by.value_or("") + " for " + ago(*lane.held_ms) +
                        ": nothing is sent until orderctl topics release");
    }
    if (lane.refused_ms) {
        const std::int64_t seq = lane.refused_seq.value_or(0);
        texts.push_back("for " + ago(*lane.refused_ms) + " " + topic + " refuses " +
                        (seq > 0 ? "row " + std::to_string(seq) : "everything") + ": " +
                        lane.refused_error.value_or("") + " (" + lane.refused_why.value_or("") +
                        ")");
    }
    if (lane.remade_ms && *lane.remade_ms < kNewsMs) {
        texts.push_back(ago(*lane.remade_ms) + " ago " + topic + " was found recreated" +
                        (lane.lane == "saga" ? ": the relay sends all rows again"
                                             : ": its old records are gone"));
    }
    if (lane.lane != "saga" && lane.unsent > 0) {
        texts.push_back(std::to_string(lane.unsent) + " announcements not yet on " + topic);
    }
    if (lane.skipped > 0) {
        texts.push_back(std::to_string(lane.skipped) + " announcements that " + topic +
                        " can never accept were skipped; the records are kept");
    }
    return texts;
}

// Returns what is wrong with the number of a service's members: none, idle ones, or fewer than
// could share a lag; empty: no problem.
std::string shares_of(const LagDocument& document, const StandingView& view) {
    if (view.consuming == false) {
        return "its consumer group has no member: is " + view.service + "-service running?";
    }
    if (!view.members) return {};
    if (*view.idle > 0) {
        return std::to_string(*view.idle) + " of " + std::to_string(*view.members) +
               (*view.idle == 1 ? " members is idle" : " members are idle") + ": its topics have " +
               std::to_string(*view.partitions) + " partitions";
    }
    std::int64_t lag = 0;
    for (const PartitionView& at : document.partitions) {
        if (at.service == view.service) lag += at.lag;
    }
    if (lag == 0 || *view.members >= *view.partitions) return {};
    return std::to_string(*view.members) + (*view.members == 1 ? " member" : " members") + " for " +
           std::to_string(*view.partitions) + " partitions, lag " + std::to_string(lag) +
           ": if the lag grows, more members can share the partitions";
}

void print_services(const LagDocument& document) {
    Table table({{"SERVICE"},
                 {"MEMBERS", Align::right},
                 {"CHECKPOINT", Align::right},
                 {"OUTBOX END", Align::right},
                 {"UNSENT", Align::right},
                 {"OLDEST UNSENT", Align::right},
                 {"PARKED", Align::right},
                 {"DEAD", Align::right}});
    for (const StandingView& view : document.services) {
        table.add({view.service, view.members ? std::to_string(*view.members) : "?",
                   std::to_string(view.checkpoint), std::to_string(view.end),
                   std::to_string(view.unsent),
                   view.oldest_unsent_ms
                       ? duration_text(std::chrono::milliseconds(*view.oldest_unsent_ms))
                       : "-",
                   std::to_string(view.parked), std::to_string(view.dead)});
        if (const auto text = shares_of(document, view); !text.empty()) table.remark(text);
        for (const LaneView& lane : document.lanes) {
            if (lane.service != view.service) continue;
            for (const std::string& text : troubles(lane)) table.remark("relay: " + text);
        }
    }
    table.print();
}

void print_partitions(const LagDocument& document) {
    Table table({{"SERVICE"},
                 {"TOPIC"},
                 {"PARTITION", Align::right},
                 {"COMMITTED", Align::right},
                 {"END", Align::right},
                 {"LAG", Align::right}});
    for (const PartitionView& view : document.partitions) {
        table.add({view.service, view.topic, std::to_string(view.partition),
                   view.committed ? std::to_string(*view.committed) : "none",
                   std::to_string(view.end), std::to_string(view.lag)});
        if (view.trouble) table.remark(*view.trouble);
    }
    table.print();
}

void print_differing(const LagDocument& document) {
    for (const TopicView& topic : document.differing) {
        if (topic.partitions == 0) {
            say(topic.topic, ": the topic does not exist\n");
        } else {
            say(topic.topic, " has ", topic.partitions, " partitions, the catalog has ",
                topic.catalog, "\n");
        }
    }
    const auto missing = std::ranges::find(document.differing, 0, &TopicView::partitions);
    if (!document.alike || missing != document.differing.end()) {
        say("While the saga's topics differ in their number of partitions, the deadline cancels no "
            "order.\n");
    }
}

// Prints a row for each service and topic; below it, the partitions that lag behind.
void print_topics(const LagDocument& document) {
    Table table({{"SERVICE"},
                 {"TOPIC"},
                 {"PARTITIONS", Align::right},
                 {"COMMITTED", Align::right},
                 {"END", Align::right},
                 {"LAG", Align::right}});
    const auto& all = document.partitions;
    for (std::size_t i = 0; i < all.size();) {
        const std::size_t first = i;
        std::int64_t committed = 0, end = 0, lag = 0;
        std::vector<std::string> behind;
        for (; i < all.size() && all[i].service == all[first].service &&
               all[i].topic == all[first].topic;
             ++i) {
            committed += all[i].committed.value_or(0);
            end += all[i].end;
            lag += all[i].lag;
            if (all[i].lag > 0 || all[i].trouble) {
                behind.push_back("partition " + std::to_string(all[i].partition) + ": " +
                                 (all[i].committed ? std::to_string(*all[i].committed) : "none") +
                                 " of " + std::to_string(all[i].end) + ", lag " +
                                 std::to_string(all[i].lag) +
                                 (all[i].trouble ? "; " + *all[i].trouble : ""));
            }
        }
        table.add({all[first].service, all[first].topic, std::to_string(i - first),
                   std::to_string(committed), std::to_string(end), std::to_string(lag)});
        for (const std::string& text : behind) table.remark(text);
    }
    table.print();
}

int run_lag(const Context& context, const LagOptions& options) {
    const LagDocument document = read_lag(context.endpoints);
    if (context.json) {
        print_raw(json::to_json(document) + "\n");
    } else {
        print_services(document);
        say("\n");
        if (document.kafka_error) {
            say("Kafka does not answer: ", *document.kafka_error, "\n");
        } else {
            options.partitions ? print_partitions(document) : print_topics(document);
            print_differing(document);
        }
    }
    if (document.kafka_error) return kCannotDo;
    if (!options.max_lag) return kClean;
    const bool late = std::max(document.max_lag, document.max_unsent) > *options.max_lag;
    return late ? kViolated : kClean;
}

}  // namespace

void add_lag(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("lag", kHelp);
    command->footer(kExample);
    command->fallthrough();
    const auto options = std::make_shared<LagOptions>();
    command
        ->add_option(
            "--max-lag", options->max_lag,
            "exit code 1 if a partition's lag or a relay's unsent rows exceed this, records")
        ->check(CLI::Range(0, 1'000'000'000));
    command->add_flag("--partitions", options->partitions, "a line for every partition");
    command->callback([&context, options] {
        context.run = [&context, options] { return run_lag(context, *options); };
    });
}

}  // namespace orderflow::orderctl
