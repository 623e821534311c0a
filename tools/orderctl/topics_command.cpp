// orderctl topics: compares the catalog's topics with the brokers' topics, and makes them equal.
#include <memory>

#include "json/json.hpp"
#include "kafka/settings.hpp"
#include "orderctl/access.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/kafka_look.hpp"
#include "orderctl/terminal.hpp"
#include "orderctl/topics.hpp"

namespace orderflow::orderctl {

// The document that --json prints.
struct TopicDifferenceView {
    std::string property, wanted, found;
    bool mended = false;
};
BOOST_DESCRIBE_STRUCT(TopicDifferenceView, (), (property, wanted, found, mended))
struct TopicStandingView {
    std::string topic;
    bool as_wanted = false;
    bool made = false;
    std::optional<std::string> error;
    std::vector<TopicDifferenceView> differences;
};
BOOST_DESCRIBE_STRUCT(TopicStandingView, (), (topic, as_wanted, made, error, differences))
struct RightView {
    std::string principal, resource, operation;
};
BOOST_DESCRIBE_STRUCT(RightView, (), (principal, resource, operation))
struct AccessView {
    bool as_wanted = true;
    bool mended = false;
    std::vector<RightView> missing;
    std::vector<std::string> surplus, without_password;
};
BOOST_DESCRIBE_STRUCT(AccessView, (), (as_wanted, mended, missing, surplus, without_password))
struct TopicsDocument {
    bool as_wanted = true;  // all topics and rights
    std::vector<TopicStandingView> topics;
    std::optional<AccessView> access;  // if --users was given
};
BOOST_DESCRIBE_STRUCT(TopicsDocument, (), (as_wanted, topics, access))

namespace {

constexpr const char* kHelp =
    "show, apply: the topics as the catalog requires them. hold, grow, release: more partitions.";
constexpr const char* kShowHelp =
    "Compares the topics with the catalog: partitions, replicas, retention, limits.";
constexpr const char* kApplyHelp =
    "Creates the missing topics, and sets what differs from the catalog. No service creates a "
    "topic.";
constexpr const char* kExample = R"(
The catalog is proto-events/catalog.json. Its number of partitions is the minimum. Partitions and
replicas are only compared: with new partitions, an order's next events would go to another one.
Settings that the catalog does not name are not changed.

With --users, users and their rights are compared and set as well: DIR has a file for each user (the
five services' names, operator, auditor, monitoring); its first line is the password
(SCRAM-SHA-512). Rights of these users that the catalog does not grant are removed.
docs/architecture.md has the table.

Examples:
  orderctl topics apply --brokers 10.0.0.7:9092 --replication 1    on a single broker
  orderctl topics apply --config order-events:retention.bytes=1073741824
  orderctl topics show --json | jq '.topics[] | select(.asWanted | not)'
Give show and apply the same options: those in which the installation differs from the catalog.
Exit code 1: something is not as wanted, and stays so. 2: Kafka does not answer, or refuses.)";

constexpr std::chrono::milliseconds kPatience{30'000};  // for a Kafka that is starting

struct TopicsOptions {
    TopicWishes wishes;
    std::vector<std::string> configs;  // TOPIC:NAME=VALUE
    std::string users;                 // a directory; empty: rights are not checked
};

// Returns an empty text if it can be read, otherwise the reason.
std::string check_config(const std::string& text) {
    const auto colon = text.find(':');
    const auto equals = text.find('=');
    if (colon == text.npos || equals == text.npos || equals < colon + 2) {
        return "not TOPIC:NAME=VALUE: " + text;
    }
    for (const auto& topic : events::topics()) {
        if (topic.name == std::string_view(text).substr(0, colon)) return "";
    }
    return "no topic of the catalog: " + text.substr(0, colon);
}

TopicWishes wishes_of(const Endpoints& endpoints, const TopicsOptions& options) {
    TopicWishes wishes = options.wishes;
    if (wishes.replication == 0) wishes.replication = endpoints.topic_replication();
    for (const std::string& text : options.configs) {
        const auto colon = text.find(':');
        const auto equals = text.find('=');
        wishes.configs[text.substr(0, colon)][text.substr(colon + 1, equals - colon - 1)] =
            text.substr(equals + 1);
    }
    return wishes;
}

TopicsDocument document_of(const std::vector<TopicStanding>& standings) {
    TopicsDocument document;
    for (const TopicStanding& standing : standings) {
        auto& view = document.topics.emplace_back();
        view.topic = standing.topic;
        view.as_wanted = standing.as_wanted();
        view.made = standing.made;
        if (!standing.error.empty()) view.error = standing.error;
        for (const auto& [property, wanted, found, mended] : standing.differences) {
            view.differences.push_back({property, wanted, found, mended});
        }
        document.as_wanted = document.as_wanted && view.as_wanted;
    }
    return document;
}

AccessView view_of(const AccessStanding& standing) {
    AccessView view{
        standing.as_wanted(), standing.mended, {}, standing.surplus, standing.without_password};
    for (const Right& right : standing.missing) {
        view.missing.push_back({right.principal, resource_of(right), operation_of(right)});
    }
    return view;
}

void print(const AccessView& access) {
    const auto tell = [&](const std::string& what, const char* done) {
        if (access.mended) {
            say(what, ", ", done, "\n");
        } else {
            say(red(what), "\n");
        }
    };
    for (const auto& [principal, resource, operation] : access.missing) {
        tell(principal + " lacks " + operation + " on " + resource, "given");
    }
    for (const std::string& right : access.surplus) tell("beyond the catalog: " + right, "taken");
    for (const std::string& user : access.without_password) tell(user + " has no password", "set");
    if (access.as_wanted && !access.mended) say("users and rights as wanted\n");
    if (access.mended) say("users and rights set\n");
}

void print(const TopicsDocument& document) {
    constexpr std::size_t kNameColumns = 24;
    for (const TopicStandingView& topic : document.topics) {
        const std::string name = padded(topic.topic, kNameColumns) + "  ";
        if (topic.error) say(name, red(*topic.error), "\n");
        if (topic.made) say(name, "created\n");
        if (!topic.made && !topic.as_wanted && !topic.error && topic.differences.empty()) {
            say(name, red("missing"), "\n");
        }
        if (topic.as_wanted && !topic.made && topic.differences.empty()) {
            say(name, "as wanted\n");
        }
        for (const TopicDifferenceView& difference : topic.differences) {
            const std::string was = difference.property + " " + difference.found;
            if (difference.mended) {
                say(name, was, ", set to ", difference.wanted, "\n");
            } else {
                say(name, red(was), ", wanted: ", difference.wanted, "\n");
            }
        }
    }
    if (document.access) print(*document.access);
}

// The rights come first: without them only an administrator can see the topics.
std::optional<AccessView> look_at_or_apply_access(const Endpoints& endpoints,
                                                  const std::string& users, bool apply) {
    if (users.empty()) return std::nullopt;
    const auto wanted = wanted_rights(endpoints.groups());
    return view_of(apply ? apply_access(endpoints.kafka(), wanted, users)
                         : look_at_access(endpoints.kafka(), wanted));
}

int run(const Context& context, const TopicsOptions& options, bool apply) {
    const kafka::Settings kafka = context.endpoints.kafka();
    must_answer(kafka, kPatience);
    const auto access = look_at_or_apply_access(context.endpoints, options.users, apply);
    const TopicWishes wishes = wishes_of(context.endpoints, options);
    auto document =
        document_of(apply ? apply_topics(kafka, wishes) : look_at_topics(kafka, wishes));
    document.access = access;
    document.as_wanted = document.as_wanted && (!access || access->as_wanted);
    if (context.json) {
        print_raw(json::to_json(document) + "\n");
    } else {
        print(document);
    }
    for (const TopicStandingView& topic : document.topics) {
        if (topic.error) return kCannotDo;
    }
    return document.as_wanted ? kClean : kViolated;
}

}  // namespace

void add_topics(CLI::App& app, Context& context) {
    CLI::App* topics = app.add_subcommand("topics", kHelp);
    topics->require_subcommand(1);
    topics->fallthrough();
    const auto options = std::make_shared<TopicsOptions>();
    const auto add = [&](const char* name, const char* help, bool apply) {
        CLI::App* command = topics->add_subcommand(name, help);
        command->footer(kExample);
        command->fallthrough();
        command
            ->add_option("--replication", options->wishes.replication,
                         "replicas of each topic (default: the stack's, or the catalog's)")
            ->envname("TOPIC_REPLICATION")
            ->check(CLI::Range(1, 7));
        command
            ->add_option("--config", options->configs,
                         "TOPIC:NAME=VALUE instead of the catalog's setting; repeatable")
            ->envname("TOPIC_CONFIG")
            ->delimiter(',')
            ->check(&check_config, "TOPIC:NAME=VALUE", "config");
        command
            ->add_option(
                "--users", options->users,
                "directory with the users' passwords: compare or set users and rights as well")
            ->envname("KAFKA_USERS")
            ->check(CLI::ExistingDirectory);
        command->callback([&context, options, apply] {
            context.run = [&context, options, apply] { return run(context, *options, apply); };
        });
    };
    add("show", kShowHelp, false);
    add("apply", kApplyHelp, true);
    add_growth(*topics, context);
}

}  // namespace orderflow::orderctl
