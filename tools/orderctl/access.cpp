#include "orderctl/access.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <memory>
#include <thread>
#include <utility>

#include "core/secret_file.hpp"
#include "kafka/asking_client.hpp"
#include "kafka/rdkafka.hpp"
#include "orderctl/connect.hpp"
#include "orderctl/facts.hpp"
#include "orderctl/kafka_look.hpp"

namespace orderflow::orderctl {
namespace {

using events::Service;
using kafka::ClientEvent;
using kafka::ClientHandle;
using kafka::Destroyer;
using kafka::Queue;
using Acl = std::unique_ptr<rd_kafka_AclBinding_t, Destroyer<&rd_kafka_AclBinding_destroy>>;
using Alteration = std::unique_ptr<rd_kafka_UserScramCredentialAlteration_t,
                                   Destroyer<&rd_kafka_UserScramCredentialAlteration_destroy>>;
using Resource = Right::Resource;
using Operation = Right::Operation;

// The service whose page /kafka shows all topics' records and all groups' positions.
constexpr std::string_view kKafkaPage =
    events::kServiceNames[static_cast<std::size_t>(Service::analytics)];
constexpr const char* kOperator = "operator";
constexpr const char* kAuditor = "auditor";
constexpr const char* kMonitoring = "monitoring";
constexpr const char* kCluster = "kafka-cluster";  // Kafka's name of its only cluster resource
constexpr std::string_view kUser = "User:";
constexpr int kIterations = 8'192;
constexpr std::chrono::seconds kKnown{10};  // until the brokers apply what was written

rd_kafka_ResourceType_t kafka_type(Resource resource) {
    if (resource == Resource::topic) return RD_KAFKA_RESOURCE_TOPIC;
    if (resource == Resource::group) return RD_KAFKA_RESOURCE_GROUP;
    return RD_KAFKA_RESOURCE_BROKER;  // librdkafka's name for the cluster
}

// In the order of Right::Operation.
constexpr std::array kOperations{
    RD_KAFKA_ACL_OPERATION_READ, RD_KAFKA_ACL_OPERATION_WRITE, RD_KAFKA_ACL_OPERATION_DESCRIBE,
    RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS, RD_KAFKA_ACL_OPERATION_ALTER};
rd_kafka_AclOperation_t kafka_operation(Operation operation) {
    return kOperations.at(static_cast<std::size_t>(operation));
}

rd_kafka_ResourcePatternType_t kafka_pattern(Resource resource) {
    return resource == Resource::group ? RD_KAFKA_RESOURCE_PATTERN_PREFIXED
                                       : RD_KAFKA_RESOURCE_PATTERN_LITERAL;
}

Acl acl_of(const Right& right) {
    char error[256];
    const bool cluster = right.resource == Resource::cluster;
    Acl acl(rd_kafka_AclBinding_new(
        kafka_type(right.resource), cluster ? kCluster : right.name.c_str(),
        kafka_pattern(right.resource), (std::string(kUser) + right.principal).c_str(), "*",
        kafka_operation(right.operation), RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, error, sizeof error));
    if (!acl) throw CannotDo(error);
    return acl;
}

// A right that the brokers store, whatever program granted it.
struct Held {
    std::string principal;  // without "User:"; empty for a principal of another kind
    rd_kafka_ResourceType_t type{};
    rd_kafka_ResourcePatternType_t pattern{};
    std::string name;
    std::string host;
    rd_kafka_AclOperation_t operation{};
    rd_kafka_AclPermissionType_t permission{};

    auto operator<=>(const Held&) const = default;
};

Held held_in(const rd_kafka_AclBinding_t* acl) {
    const std::string_view principal = rd_kafka_AclBinding_principal(acl);
    return {principal.starts_with(kUser) ? std::string(principal.substr(kUser.size())) : "",
            rd_kafka_AclBinding_restype(acl),
            rd_kafka_AclBinding_resource_pattern_type(acl),
            rd_kafka_AclBinding_name(acl),
            rd_kafka_AclBinding_host(acl),
            rd_kafka_AclBinding_operation(acl),
            rd_kafka_AclBinding_permission_type(acl)};
}

std::string text_of(const Held& held) {
    return held.principal + " " + rd_kafka_AclPermissionType_name(held.permission) + " " +
           rd_kafka_AclOperation_name(held.operation) + " on " +
           rd_kafka_ResourceType_name(held.type) + " " + held.name +
           (held.pattern == RD_KAFKA_RESOURCE_PATTERN_PREFIXED ? "*" : "") + " from " + held.host;
}

// Reads the rights of our principals only; orderctl does not touch those of others.
std::vector<Held> read_held(const ClientHandle& handle) {
    char error[256];
    const Acl any(rd_kafka_AclBindingFilter_new(
        RD_KAFKA_RESOURCE_ANY, nullptr, RD_KAFKA_RESOURCE_PATTERN_ANY, nullptr, nullptr,
        RD_KAFKA_ACL_OPERATION_ANY, RD_KAFKA_ACL_PERMISSION_TYPE_ANY, error, sizeof error));
    const Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_DescribeAcls(handle.get(), any.get(), nullptr, queue.get());
    const ClientEvent event = answer_in(queue, "rights");
    std::size_t count = 0;
    const auto** acls =
        rd_kafka_DescribeAcls_result_acls(rd_kafka_event_DescribeAcls_result(event.get()), &count);
    std::vector<Held> all;
    for (std::size_t i = 0; i < count; ++i) {
        Held held = held_in(acls[i]);
        if (std::ranges::find(principals(), held.principal) != principals().end()) {
            all.push_back(std::move(held));
        }
    }
    return all;
}

std::vector<std::string> users_without_password(const ClientHandle& handle) {
    std::vector<const char*> names;
    for (const std::string& name : principals()) names.push_back(name.c_str());
    const Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_DescribeUserScramCredentials(handle.get(), names.data(), names.size(), nullptr,
                                          queue.get());
    const ClientEvent event = answer_in(queue, "users");
    std::size_t count = 0;
    const auto** users = rd_kafka_DescribeUserScramCredentials_result_descriptions(
        rd_kafka_event_DescribeUserScramCredentials_result(event.get()), &count);
    std::vector<std::string> without;
    for (std::size_t i = 0; i < count; ++i) {
        const auto* failed = rd_kafka_UserScramCredentialsDescription_error(users[i]);
        const auto code = failed ? rd_kafka_error_code(failed) : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        const std::string name = rd_kafka_UserScramCredentialsDescription_user(users[i]);
        if (code != RD_KAFKA_RESP_ERR_RESOURCE_NOT_FOUND) {
            throw CannotDo("Kafka: user " + name + ": " + rd_kafka_error_string(failed));
        }
        without.push_back(name);
    }
    return without;
}

void set_passwords(const ClientHandle& handle, const std::string& directory) {
    std::vector<Alteration> alterations;
    std::vector<rd_kafka_UserScramCredentialAlteration_t*> raw;
    for (const std::string& name : principals()) {
        const std::string password = secret_in(directory + "/" + name);
        alterations.emplace_back(rd_kafka_UserScramCredentialUpsertion_new(
            name.c_str(), RD_KAFKA_SCRAM_MECHANISM_SHA_512, kIterations,
            reinterpret_cast<const unsigned char*>(password.data()), password.size(), nullptr, 0));
        raw.push_back(alterations.back().get());
    }
    const Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_AlterUserScramCredentials(handle.get(), raw.data(), raw.size(), nullptr, queue.get());
    const ClientEvent event = answer_in(queue, "users");
    std::size_t count = 0;
    const auto** answers = rd_kafka_AlterUserScramCredentials_result_responses(
        rd_kafka_event_AlterUserScramCredentials_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto* failed = rd_kafka_AlterUserScramCredentials_result_response_error(answers[i]);
        if (failed && rd_kafka_error_code(failed)) {
            throw CannotDo(std::string("Kafka: user ") +
                           rd_kafka_AlterUserScramCredentials_result_response_user(answers[i]) +
                           ": " + rd_kafka_error_string(failed));
        }
    }
}

void must_be_done(const rd_kafka_error_t* failed, const std::string& principal) {
    if (!failed || !rd_kafka_error_code(failed)) return;
    throw CannotDo("Kafka: a right of " + principal + ": " + rd_kafka_error_string(failed));
}

void give(const ClientHandle& handle, const std::vector<Right>& rights) {
    if (rights.empty()) return;
    std::vector<Acl> acls;
    std::vector<rd_kafka_AclBinding_t*> raw;
    for (const Right& right : rights) raw.push_back(acls.emplace_back(acl_of(right)).get());
    const Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_CreateAcls(handle.get(), raw.data(), raw.size(), nullptr, queue.get());
    const ClientEvent event = answer_in(queue, "new rights");
    std::size_t count = 0;
    const auto** results =
        rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        must_be_done(rd_kafka_acl_result_error(results[i]), rights[i].principal);
    }
}

void take(const ClientHandle& handle, const std::vector<Held>& surplus) {
    if (surplus.empty()) return;
    std::vector<Acl> filters;
    std::vector<rd_kafka_AclBindingFilter_t*> raw;
    char error[256];
    for (const Held& held : surplus) {
        filters.emplace_back(rd_kafka_AclBindingFilter_new(
            held.type, held.name.c_str(), held.pattern,
            (std::string(kUser) + held.principal).c_str(), held.host.c_str(), held.operation,
            held.permission, error, sizeof error));
        if (!filters.back()) throw CannotDo(error);
        raw.push_back(filters.back().get());
    }
    const Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_DeleteAcls(handle.get(), raw.data(), raw.size(), nullptr, queue.get());
    const ClientEvent event = answer_in(queue, "rights to remove");
    std::size_t count = 0;
    const auto** results =
        rd_kafka_DeleteAcls_result_responses(rd_kafka_event_DeleteAcls_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        must_be_done(rd_kafka_DeleteAcls_result_response_error(results[i]), surplus[i].principal);
    }
}

struct Comparison {
    std::vector<Right> missing;
    std::vector<Held> surplus;
    std::vector<std::string> without_password;
};

Comparison compare(const ClientHandle& handle, const std::vector<Right>& wanted) {
    Comparison found;
    std::vector<Held> held = read_held(handle);
    for (const Right& right : wanted) {
        const auto at = std::ranges::find(held, held_in(acl_of(right).get()));
        if (at == held.end()) {
            found.missing.push_back(right);
        } else {
            held.erase(at);
        }
    }
    found.surplus = std::move(held);
    found.without_password = users_without_password(handle);
    return found;
}

AccessStanding standing_of(const Comparison& found) {
    AccessStanding standing;
    standing.missing = found.missing;
    for (const Held& held : found.surplus) standing.surplus.push_back(text_of(held));
    standing.without_password = found.without_password;
    return standing;
}

}  // namespace

std::string resource_of(const Right& right) {
    if (right.resource == Resource::topic) return "topic " + right.name;
    if (right.resource == Resource::group) return "group " + right.name + "*";
    return "cluster";
}

std::string operation_of(const Right& right) {
    return rd_kafka_AclOperation_name(kafka_operation(right.operation));
}

const std::vector<std::string>& principals() {
    static const std::vector<std::string> all = [] {
        std::vector<std::string> names(events::kServiceNames.begin(), events::kServiceNames.end());
        names.insert(names.end(), {kOperator, kAuditor, kMonitoring});
        return names;
    }();
    return all;
}

std::vector<Right> wanted_rights(const std::map<std::string, std::string>& groups) {
    std::vector<Right> rights;
    const auto add = [&](std::string_view principal, Resource resource, std::string_view name,
                         std::initializer_list<Operation> operations) {
        for (const Operation operation : operations) {
            rights.push_back({std::string(principal), resource, std::string(name), operation});
        }
    };
    for (const Service service : kServices) {
        const std::string_view name = events::names_of(service).name;
        for (const auto& topic : events::topics()) {
            if (topic.producers & events::bit(service)) {
                add(name, Resource::topic, topic.name, {Operation::write, Operation::describe});
            }
        }
        for (const std::string_view topic : events::topics_consumed_by(service)) {
            add(name, Resource::topic, topic, {Operation::read, Operation::describe});
        }
        const std::string& group = groups.at(std::string(name));
        add(kKafkaPage, Resource::group, group, {Operation::describe});
        add(name, Resource::group, group, {Operation::read, Operation::describe});
        add(kOperator, Resource::group, group, {Operation::read, Operation::describe});
        add(kAuditor, Resource::group, group, {Operation::describe});
        add(kMonitoring, Resource::group, group, {Operation::describe});
    }
    for (const auto& topic : events::topics()) {
        add(kKafkaPage, Resource::topic, topic.name, {Operation::read, Operation::describe});
        add(kOperator, Resource::topic, topic.name,
            {Operation::read, Operation::write, Operation::describe, Operation::describe_configs,
             Operation::alter});
        add(kAuditor, Resource::topic, topic.name,
            {Operation::read, Operation::describe, Operation::describe_configs});
        add(kMonitoring, Resource::topic, topic.name,
            {Operation::describe, Operation::describe_configs});
    }
    add(kMonitoring, Resource::cluster, "", {Operation::describe});
    std::ranges::sort(rights);
    const auto repeated = std::ranges::unique(rights);
    rights.erase(repeated.begin(), repeated.end());
    return rights;
}

bool AccessStanding::as_wanted() const {
    return mended || (missing.empty() && surplus.empty() && without_password.empty());
}

AccessStanding look_at_access(const kafka::Settings& settings, const std::vector<Right>& wanted) {
    return standing_of(compare(kafka::make_asking_client(settings), wanted));
}

AccessStanding apply_access(const kafka::Settings& settings, const std::vector<Right>& wanted,
                            const std::string& directory) {
    const ClientHandle handle = kafka::make_asking_client(settings);
    const Comparison found = compare(handle, wanted);
    AccessStanding standing = standing_of(found);
    set_passwords(handle, directory);
    give(handle, found.missing);
    take(handle, found.surplus);
    const auto until = std::chrono::steady_clock::now() + kKnown;
    while (!(standing.mended = standing_of(compare(handle, wanted)).as_wanted())) {
        if (std::chrono::steady_clock::now() > until) break;
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    return standing;
}

}  // namespace orderflow::orderctl
