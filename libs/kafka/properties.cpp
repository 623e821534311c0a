#include "kafka/properties.hpp"

#include <algorithm>
#include <array>

#include "kafka/rdkafka.hpp"

namespace orderflow::kafka {
namespace {

struct Fixed {
    std::string_view name;
    const char* why;
};

constexpr const char* kOwnOption = "it has an option of its own";
constexpr const char* kLossless =
    "an event counts as sent only when every in-sync replica has it, once and in order";
constexpr const char* kAfterCommit =
    "the program commits offsets itself, after the database transaction";
constexpr const char* kFromStart =
    "a group without an offset must begin at the start, so that it skips nothing";
constexpr const char* kSameKey =
    "an order's events must go to the partition that Kafka's own clients choose for its key";
constexpr const char* kNeverGivenUp = "the producer must never give up an event";
constexpr const char* kMembership =
    "the members of a group share partitions by range, and each consumer of a process is a member";
constexpr const char* kOwnUse = "the program itself uses it";
constexpr const char* kOwnCode = "the program loads only code with which it was built";
constexpr std::array<Fixed, 36> kFixed{{
    {"acks", kLossless},
    {"request.required.acks", kLossless},
    {"enable.idempotence", kLossless},
    {"transactional.id", kLossless},
    {"message.timeout.ms", kNeverGivenUp},
    {"delivery.timeout.ms", kNeverGivenUp},
    {"message.max.bytes", "an event may be as large as 256 KiB"},
    {"partitioner", kSameKey},
    {"enable.auto.commit", kAfterCommit},
    {"auto.commit.enable", kAfterCommit},
    {"auto.commit.interval.ms", kAfterCommit},
    {"enable.auto.offset.store", kAfterCommit},
    {"auto.offset.reset", kFromStart},
    {"isolation.level", "events of aborted transactions do not count"},
    {"enable.gapless.guarantee", kOwnUse},
    {"enable.partition.eof", kOwnUse},
    {"delivery.report.only.error", kOwnUse},
    {"enabled_events", kOwnUse},
    {"log.queue", kOwnUse},
    {"internal.termination.signal", kOwnUse},
    {"statistics.interval.ms", kOwnUse},
    {"topic.metadata.propagation.max.ms", kOwnUse},
    {"partition.assignment.strategy", kMembership},
    {"group.protocol", kMembership},
    {"group.instance.id", kMembership},
    {"allow.auto.create.topics", "orderctl topics apply creates the topics"},
    {"bootstrap.servers", kOwnOption},
    {"metadata.broker.list", kOwnOption},
    {"client.id", kOwnOption},
    {"group.id", kOwnOption},
    {"log_level", kOwnOption},
    {"plugin.library.paths", kOwnCode},
    {"ssl.engine.location", kOwnCode},
    {"ssl.providers", kOwnCode},
    {"sasl.kerberos.kinit.cmd", kOwnCode},
    {"test.mock.num.brokers", "with it, the client connects to no real broker"},
}};

// librdkafka finds a topic's property with and without this prefix.
std::string_view without_prefix(std::string_view name) {
    constexpr std::string_view kTopic = "topic.";
    return name.starts_with(kTopic) ? name.substr(kTopic.size()) : name;
}

}  // namespace

std::string refusal_of_property(const std::string& text) {
    const auto equals = text.find('=');
    if (equals == text.npos || equals == 0) {
        return "a property is not NAME=VALUE (its text is not shown, because it may be part of a "
               "password)";
    }
    const std::string name = text.substr(0, equals);
    for (const std::string_view known : {std::string_view(name), without_prefix(name)}) {
        const auto fixed = std::ranges::find(kFixed, known, &Fixed::name);
        if (fixed != kFixed.end()) return name + " cannot be set: " + fixed->why;
    }
    const Conf probe(rd_kafka_conf_new());
    char error[256];
    const auto result = rd_kafka_conf_set(probe.get(), name.c_str(),
                                          text.substr(equals + 1).c_str(), error, sizeof error);
    if (result == RD_KAFKA_CONF_OK) return "";
    // librdkafka's text may contain the value, which may be a password.
    const bool show = result == RD_KAFKA_CONF_UNKNOWN || !is_secret_property(name);
    return name + ": " + (show ? error : "librdkafka rejects this value");
}

void add_property(Properties& properties, const std::string& text) {
    const auto equals = text.find('=');
    properties[text.substr(0, equals)] = text.substr(equals + 1);
}

bool is_secret_property(std::string_view name) {
    return name.find("password") != name.npos || name.find("secret") != name.npos ||
           name == "ssl.key.pem" || name == "sasl.oauthbearer.config";
}

std::string masked_property(const std::string& text) {
    const std::string name = text.substr(0, text.find('='));
    return is_secret_property(name) ? name + "=***" : text;
}

}  // namespace orderflow::kafka
