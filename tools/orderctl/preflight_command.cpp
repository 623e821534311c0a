// `orderctl preflight`.
#include <memory>

#include "json/json.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/preflight.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {

// The document that --json prints.
struct FindingView {
    std::string verdict, what, text;  // good, doubtful, bad
};
BOOST_DESCRIBE_STRUCT(FindingView, (), (verdict, what, text))

namespace {

constexpr const char* kHelp =
    "Checks topics, rights, schemas, clocks, connections, certificates and the running programs. "
    "Use it before load comes, and after a change.";
constexpr const char* kExample = R"(
Examples:
  orderctl preflight
  orderctl preflight --access --kafka …        also rights: as an administrator of Kafka
  orderctl preflight --json | jq '.[] | select(.verdict != "good")'
Doubtful: it works, but an operator should know of it. The clocks of the database servers are
compared with this machine's clock. Connections: during an upgrade, each service may run twice.
Exit code 1: something is bad.)";

int run_preflight(const Context& context, const PreflightWishes& asked) {
    PreflightWishes wishes = asked;
    if (wishes.topics.replication == 0) {
        wishes.topics.replication = context.endpoints.topic_replication();
    }
    const auto findings = preflight(context.endpoints, wishes);
    bool bad = false;
    std::vector<FindingView> views;
    for (const auto& [verdict, what, text] : findings) {
        bad = bad || verdict == Verdict::bad;
        const char* name = verdict == Verdict::good  ? "good"
                           : verdict == Verdict::bad ? "bad"
                                                     : "doubtful";
        views.push_back({name, what, text});
    }
    if (context.json) {
        print_raw(json::to_json(views) + "\n");
        return bad ? kViolated : kClean;
    }
    constexpr std::size_t kVerdict = 8;
    for (const auto& [verdict, what, text] : views) {
        const std::string line = padded(verdict, kVerdict) + "  " + what + ": " + text;
        if (verdict == "good") {
            say(line, "\n");
        } else {
            say(red(line), "\n");
        }
    }
    return bad ? kViolated : kClean;
}

}  // namespace

void add_preflight(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("preflight", kHelp);
    command->footer(kExample);
    command->fallthrough();
    const auto wishes = std::make_shared<PreflightWishes>();
    command->add_flag("--access", wishes->access,
                      "compare users and rights in Kafka with the published ones");
    command
        ->add_option("--certificate-days", wishes->certificate_days,
                     "certificates that expire in fewer days are doubtful")
        ->check(CLI::Range(0, 3'650))
        ->capture_default_str();
    command
        ->add_option("--replication", wishes->topics.replication,
                     "replicas that each topic should have (default: the stack's, or the "
                     "catalog's)")
        ->envname("TOPIC_REPLICATION")
        ->check(CLI::Range(1, 7));
    command->callback([&context, wishes] {
        context.run = [&context, wishes] { return run_preflight(context, *wishes); };
    });
}

}  // namespace orderflow::orderctl
