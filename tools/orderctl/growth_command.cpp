// orderctl topics hold, grow, release: more partitions under load; each order keeps the order of
// its events.
#include <cstdlib>
#include <memory>

#include "json/json.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/growth.hpp"
#include "orderctl/kafka_look.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {

// The documents that --json prints.
struct HoldDocument {
    bool all_read = false;
    std::vector<std::string> unread;
};
BOOST_DESCRIBE_STRUCT(HoldDocument, (), (all_read, unread))
struct GrowDocument {
    std::int64_t partitions = 0;
    std::vector<std::string> grown, unassigned;
};
BOOST_DESCRIBE_STRUCT(GrowDocument, (), (partitions, grown, unassigned))
struct ReleaseDocument {
    std::int64_t released = 0;
};
BOOST_DESCRIBE_STRUCT(ReleaseDocument, (), (released))

namespace {

constexpr const char* kHoldHelp =
    "Stops the relays and waits until every group has read to the end. Orders are still accepted, "
    "new events wait in the outboxes. For grow, and for a backup of all databases as of one "
    "moment.";
constexpr const char* kGrowHelp =
    "Gives each of the saga's topics this many partitions. Only while the relays are held.";
constexpr const char* kReleaseHelp = "Resumes the relays, for any holder.";
constexpr const char* kExample = R"(
  orderctl topics hold --by anna && orderctl topics grow 12; orderctl topics release
A hold stays until it is released, also across restarts: orderctl lag and the metric
orderflow_relay_held show it. A relay that one name holds cannot be held by another. Orders wait
meanwhile; the deadline cancels none of them because of the hold.
If hold ends with 1, the relays are held, but some records are not read yet: look at orderctl lag,
and run it again, or release. Partitions are never removed. Topics of announcements do not change.
Exit code 1: not everything is read, or a group's members have not taken the partitions yet.
2: refused, or Kafka or a database does not answer; relays that were held stay held.)";

constexpr std::chrono::milliseconds kPatience{10'000};  // for a Kafka that does not answer

struct GrowthOptions {
    std::string by;
    std::string only_of;
    std::int64_t patience_s = 60;
    std::int32_t partitions = 0;
};

int run_hold(const Context& context, const GrowthOptions& options) {
    must_answer(context.endpoints.kafka(), kPatience);
    const Unread unread =
        hold(context.endpoints, options.by, std::chrono::seconds(options.patience_s));
    if (context.json) {
        print_raw(json::to_json(HoldDocument{unread.empty(), unread}) + "\n");
    } else if (unread.empty()) {
        say("held: no relay sends, and every group has read to the end\n");
    } else {
        say("held, but not everything is read:\n");
        for (const std::string& text : unread) say("  ", red(text), "\n");
    }
    return unread.empty() ? kClean : kViolated;
}

int run_grow(const Context& context, const GrowthOptions& options) {
    must_answer(context.endpoints.kafka(), kPatience);
    const Grown grown =
        grow(context.endpoints, options.partitions, std::chrono::seconds(options.patience_s));
    if (context.json) {
        print_raw(json::to_json(GrowDocument{options.partitions, grown.topics, grown.unassigned}) +
                  "\n");
    } else {
        for (const std::string& topic : grown.topics) {
            say(topic, " has ", options.partitions, " partitions now\n");
        }
        if (grown.topics.empty())
            say("all topics have ", options.partitions, " partitions already\n");
        for (const std::string& group : grown.unassigned) {
            say(red("the members of " + group + " have not taken them all yet"), "\n");
        }
    }
    return grown.unassigned.empty() ? kClean : kViolated;
}

int run_release(const Context& context, const GrowthOptions& options) {
    const int released = release(context.endpoints, options.only_of);
    if (context.json) {
        print_raw(json::to_json(ReleaseDocument{released}) + "\n");
    } else {
        say(released, released == 1 ? " relay resumed\n" : " relays resumed\n");
    }
    return kClean;
}

// An unset shell variable must not mean all holders.
const CLI::Validator kName(
    [](std::string& text) { return text.empty() ? std::string("the name is empty") : ""; }, "NAME");

std::string caller() {
    const char* user = std::getenv("USER");
    return user && *user ? user : "operator";
}

}  // namespace

void add_growth(CLI::App& topics, Context& context) {
    const auto options = std::make_shared<GrowthOptions>();
    options->by = caller();
    const auto add = [&](const char* name, const char* help, auto run) {
        CLI::App* command = topics.add_subcommand(name, help);
        command->footer(kExample);
        command->fallthrough();
        command->callback([&context, options, run] {
            context.run = [&context, options, run] { return run(context, *options); };
        });
        return command;
    };
    const auto add_patience = [&](CLI::App* command) {
        command->add_option("--patience-s", options->patience_s, "how long to wait for the groups")
            ->check(CLI::Range(0, 3'600))
            ->capture_default_str();
    };
    CLI::App* hold = add("hold", kHoldHelp, &run_hold);
    hold->add_option("--by", options->by, "name of the holder, which orderctl lag shows")
        ->check(kName)
        ->capture_default_str();
    add_patience(hold);
    CLI::App* grow = add("grow", kGrowHelp, &run_grow);
    grow->add_option("PARTITIONS", options->partitions,
                     "partitions of each topic, at least the catalog's number")
        ->required()
        ->check(CLI::Range(events::kPartitions, 1'000));
    add_patience(grow);
    add("release", kReleaseHelp, &run_release)
        ->add_option("--by", options->only_of, "only relays that this name holds")
        ->check(kName);
}

}  // namespace orderflow::orderctl
