#pragma once
// The rights in Kafka: those that the catalog gives to each principal, those that the brokers
// store, and how the brokers' are made equal to the catalog's, with the users' passwords. Used by
// `orderctl topics`. One thread; blocks until the brokers have answered.
#include <compare>
#include <map>
#include <string>
#include <vector>

#include "kafka/settings.hpp"

namespace orderflow::orderctl {

// One operation that one principal may do on one resource, from any host.
struct Right {
    enum class Resource { topic, group, cluster };
    enum class Operation { read, write, describe, describe_configs, alter };

    std::string principal;  // a user's name
    Resource resource = Resource::topic;
    std::string name;  // of the topic; of a group: a prefix of its name; of the cluster: empty
    Operation operation = Operation::read;

    auto operator<=>(const Right&) const = default;
};

// "group payment-service*"
std::string resource_of(const Right& right);
std::string operation_of(const Right& right);

// The users: the five services, operator, auditor and monitoring.
const std::vector<std::string>& principals();

// Returns the rights that each of them needs, sorted. `groups`: service name → its consumer group.
std::vector<Right> wanted_rights(const std::map<std::string, std::string>& groups);

struct AccessStanding {
    std::vector<Right> missing;
    std::vector<std::string> surplus;  // rights that the principals have in addition, as text
    std::vector<std::string> without_password;
    bool mended = false;

    bool as_wanted() const;
};

// Throws CannotDo if the brokers do not answer, or store no rights.
AccessStanding look_at_access(const kafka::Settings& settings, const std::vector<Right>& wanted);

// Grants the missing rights, removes the additional ones, and sets the password (SCRAM-SHA-512) of
// each user: the first line of the file of that name in `directory`. Returns when the brokers apply
// them.
AccessStanding apply_access(const kafka::Settings& settings, const std::vector<Right>& wanted,
                            const std::string& directory);

}  // namespace orderflow::orderctl
