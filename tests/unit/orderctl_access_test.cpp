// The rights in Kafka that the catalog gives: who may read and write what.

#include <algorithm>
#include <set>

#include <catch2/catch_test_macros.hpp>

#include "events/catalog.hpp"
#include "orderctl/access.hpp"

namespace orderflow::orderctl {
namespace {

using Operation = Right::Operation;
using Resource = Right::Resource;

std::map<std::string, std::string> groups() {
    std::map<std::string, std::string> all;
    for (const std::string_view service : events::kServiceNames) {
        const std::string name(service);
        all[name] = "shop-" + name;
    }
    return all;
}

std::set<std::string> names(const std::string& principal, Resource resource, Operation operation) {
    std::set<std::string> found;
    for (const Right& right : wanted_rights(groups())) {
        if (right.principal == principal && right.resource == resource &&
            right.operation == operation) {
            found.insert(right.name);
        }
    }
    return found;
}

}  // namespace

TEST_CASE("access: a service writes what it produces, reads what it consumes, and no more") {
    CHECK(names("shipping-service", Resource::topic, Operation::write) ==
          std::set<std::string>{"shipping-events", "order-events.retry", "payment-events.retry",
                                "dead-letter-queue"});
    CHECK(names("shipping-service", Resource::topic, Operation::read) ==
          std::set<std::string>{"order-events", "payment-events"});
    CHECK(names("shipping-service", Resource::group, Operation::read) ==
          std::set<std::string>{"shop-shipping-service"});
    CHECK(names("analytics-service", Resource::topic, Operation::write).contains("order-events") ==
          false);
    for (const Right& right : wanted_rights(groups())) {
        INFO(right.principal << " " << operation_of(right) << " on " << resource_of(right));
        const bool service = right.principal.ends_with("-service");
        if (right.operation == Operation::alter) CHECK(right.principal == "operator");
        if (right.resource == Resource::cluster) CHECK(right.principal == "monitoring");
        if (service) CHECK(right.operation != Operation::describe_configs);
    }
}

TEST_CASE("access: analytics looks at all topics and groups for its page, and joins its own") {
    CHECK(names("analytics-service", Resource::topic, Operation::read).size() ==
          events::topics().size());
    CHECK(names("analytics-service", Resource::group, Operation::describe).size() == 5);
    CHECK(names("analytics-service", Resource::group, Operation::read) ==
          std::set<std::string>{"shop-analytics-service"});
    CHECK(names("order-service", Resource::group, Operation::describe) ==
          std::set<std::string>{"shop-order-service"});
}

TEST_CASE("access: auditor and monitoring write nothing, and monitoring reads no record") {
    CHECK(names("auditor", Resource::topic, Operation::write).empty());
    CHECK(names("auditor", Resource::group, Operation::read).empty());
    CHECK(names("auditor", Resource::topic, Operation::read).size() == events::topics().size());
    CHECK(names("monitoring", Resource::topic, Operation::write).empty());
    CHECK(names("monitoring", Resource::topic, Operation::read).empty());
    CHECK(names("monitoring", Resource::group, Operation::describe).size() == 5);
}

}  // namespace orderflow::orderctl
