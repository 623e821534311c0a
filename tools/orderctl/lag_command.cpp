// `orderctl lag`.
#include <algorithm>
#include <memory>

#include "json/json.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/lag.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {
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
MEMBERS counts the members of the service's consumer group: one for each --consumers of each
instance. Members beyond a topic's number of partitions are idle. During a rebalance the number is
unknown: "?".
GROUP is the service's group, or one whose name begins with it and '-' or '.': that of a further
subscription, or one that is no longer used. Kafka forgets an unused group after some days.
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

struct LagOptions {
    std::optional<std::int64_t> max_lag;
    bool partitions = false;
};

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

// Returns what is wrong with the number of a group's members: none, idle ones, or fewer than could
// share a lag; empty: no problem.
std::string shares_of(const LagDocument& document, const GroupView& group) {
    if (!group.consuming && group.own) {
        return "its consumer group has no member: is " + group.service + "-service running?";
    }
    if (!group.consuming) {
        return "no member: is " + group.service +
               "-service running, and does it still use this group?";
    }
    if (!group.members) return {};
    if (*group.idle > 0) {
        return std::to_string(*group.idle) + " of " + std::to_string(*group.members) +
               (*group.idle == 1 ? " members is idle" : " members are idle") +
               ": its topics have " + std::to_string(*group.partitions) + " partitions";
    }
    std::int64_t lag = 0;
    for (const PartitionView& at : document.partitions) {
        if (at.service == group.service && at.group == group.group) lag += at.lag;
    }
    if (lag == 0 || *group.members >= *group.partitions) return {};
    return std::to_string(*group.members) + (*group.members == 1 ? " member" : " members") +
           " for " + std::to_string(*group.partitions) + " partitions, lag " + std::to_string(lag) +
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
    for (const ServiceView& view : document.services) {
        table.add({view.service, view.members ? std::to_string(*view.members) : "?",
                   std::to_string(view.checkpoint), std::to_string(view.end),
                   std::to_string(view.unsent),
                   view.oldest_unsent_ms
                       ? duration_text(std::chrono::milliseconds(*view.oldest_unsent_ms))
                       : "-",
                   std::to_string(view.parked), std::to_string(view.dead)});
        for (const GroupView& group : document.groups) {
            if (group.service != view.service) continue;
            const std::string text = shares_of(document, group);
            if (text.empty()) continue;
            table.remark(group.own ? text : "group " + group.group + ": " + text);
        }
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
                 {"LAG", Align::right},
                 {"GROUP"}});
    for (const PartitionView& view : document.partitions) {
        table.add({view.service, view.topic, std::to_string(view.partition),
                   view.committed ? std::to_string(*view.committed) : "none",
                   std::to_string(view.end), std::to_string(view.lag), view.group});
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

// Prints a row for each group and topic; below it, the partitions that lag behind.
void print_topics(const LagDocument& document) {
    Table table({{"SERVICE"},
                 {"TOPIC"},
                 {"PARTITIONS", Align::right},
                 {"COMMITTED", Align::right},
                 {"END", Align::right},
                 {"LAG", Align::right},
                 {"GROUP"}});
    const auto& all = document.partitions;
    for (std::size_t i = 0; i < all.size();) {
        const std::size_t first = i;
        std::int64_t committed = 0, end = 0, lag = 0;
        std::vector<std::string> behind;
        for (; i < all.size() && all[i].service == all[first].service &&
               all[i].group == all[first].group && all[i].topic == all[first].topic;
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
                   std::to_string(committed), std::to_string(end), std::to_string(lag),
                   all[first].group});
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
            if (document.groups_error) {
                say("Further groups may be missing: ", *document.groups_error, "\n");
            }
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
