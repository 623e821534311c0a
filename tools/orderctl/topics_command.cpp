// orderctl topics: the catalog's topics, compared with the brokers' and brought to what they should
// be.
#include <memory>

#include "events/json.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/kafka_look.hpp"
#include "orderctl/terminal.hpp"
#include "orderctl/topics.hpp"

namespace orderflow::orderctl {

// The document of --json.
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
struct TopicsDocument {
    bool as_wanted = true;  // all of them
    std::vector<TopicStandingView> topics;
};
BOOST_DESCRIBE_STRUCT(TopicsDocument, (), (as_wanted, topics))

namespace {

constexpr const char* kHelp = "show, apply: the topics as the catalog wants them.";
constexpr const char* kShowHelp =
    "Compares the topics with the catalog: partitions, replicas, retention, limits.";
constexpr const char* kApplyHelp =
    "Makes the topics that are missing and sets what differs from the catalog. No service creates "
    "a topic.";
constexpr const char* kExample = R"(
The catalog is proto-events/catalog.json. Its number of partitions is the least. It is only
compared, as replicas are: with new partitions, an order's next events would go to another one.
Settings that the catalog does not name are left as they are.

Examples:
  orderctl topics apply --brokers 10.0.0.7:9092 --replication 1    on a single broker
  orderctl topics apply --config order-events:retention.bytes=1073741824
  orderctl topics show --json | jq '.topics[] | select(.asWanted | not)'
Give show and apply the same options: what the installation wants otherwise than the catalog.
Exit code 1: something is not as wanted, and stays so. 2: Kafka does not answer, or refuses.)";

constexpr std::chrono::milliseconds kPatience{30'000};  // with a Kafka that is just starting

struct TopicsOptions {
    TopicWishes wishes;
    std::vector<std::string> configs;  // TOPIC:NAME=VALUE
};

// Empty: it can be read.
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

void print(const TopicsDocument& document) {
    constexpr std::size_t kNameColumns = 24;
    for (const TopicStandingView& topic : document.topics) {
        const std::string name = padded(topic.topic, kNameColumns) + "  ";
        if (topic.error) say(name, red(*topic.error), "\n");
        if (topic.made) say(name, "made\n");
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
}

using Work = std::vector<TopicStanding> (*)(const messaging::KafkaSettings&, const TopicWishes&);

int run(const Context& context, const TopicsOptions& options, Work work) {
    const messaging::KafkaSettings kafka = context.endpoints.kafka();
    must_answer(kafka, kPatience);
    const auto document = document_of(work(kafka, wishes_of(context.endpoints, options)));
    if (context.json) {
        print_raw(events::to_json(document) + "\n");
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
    const auto add = [&](const char* name, const char* help, Work work) {
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
                         "TOPIC:NAME=VALUE instead of the catalog's setting; may be repeated")
            ->envname("TOPIC_CONFIG")
            ->delimiter(',')
            ->check(&check_config, "TOPIC:NAME=VALUE", "config");
        command->callback([&context, options, work] {
            context.run = [&context, options, work] { return run(context, *options, work); };
        });
    };
    add("show", kShowHelp, &look_at_topics);
    add("apply", kApplyHelp, &apply_topics);
}

}  // namespace orderflow::orderctl
