// What `orderctl lag` makes of the cluster's consumer groups: which service each belongs to, and
// which topics a group no longer reads.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "orderctl/lag.hpp"

namespace orderflow::orderctl {
namespace {

using Names = std::vector<std::string>;

const std::map<Service, std::string> kOwn{{Service::order, "order-service"},
                                          {Service::payment, "payment-service"},
                                          {Service::analytics, "analytics-service"}};

// "payment: payment-service-audit"
Names found(const std::map<Service, std::string>& own, const Names& names) {
    Names texts;
    for (const ServiceGroup& group : further_groups(own, names)) {
        texts.push_back(std::string(short_name(group.service)) + ": " + group.group);
    }
    return texts;
}

struct Topic {
    std::string name;
    bool assigned = false;
};

ServiceGroup group_of(Service service, const std::string& name, const std::vector<Topic>& topics) {
    ServiceGroup group{service, name, {}};
    group.positions.has_members = true;
    for (const Topic& topic : topics) {
        group.positions.topics[topic.name] = {"", 2};
        for (const std::int32_t partition : {0, 1}) {
            kafka::PartitionPosition at;
            at.topic = topic.name;
            at.partition = partition;
            at.assigned = topic.assigned;
            group.positions.partitions.push_back(at);
        }
    }
    return group;
}

// The topics of which rows are left.
Names topics_in(const ServiceGroup& group) {
    Names names;
    for (const kafka::PartitionPosition& at : group.positions.partitions) {
        if (names.empty() || names.back() != at.topic) names.push_back(at.topic);
    }
    return names;
}

}  // namespace

TEST_CASE("orderctl lag: a group belongs to the service whose group begins its name") {
    CHECK(found(kOwn, {"payment-service.audit", "analytics-service-export", "payment-service-audit",
                       "order-service-x"}) ==
          Names{"order: order-service-x", "payment: payment-service-audit",
                "payment: payment-service.audit", "analytics: analytics-service-export"});
}

TEST_CASE("orderctl lag: own groups and groups of others are no further groups") {
    CHECK(found(kOwn, {"order-service", "order-service2", "shop-order-service", "order-services-x",
                       "other", "order"})
              .empty());
}

TEST_CASE("orderctl lag: a group that fits two services belongs to the longer name") {
    const std::map<Service, std::string> own{
        {Service::order, "shop"}, {Service::payment, "shop-payment"}, {Service::shipping, ""}};

    CHECK(found(own, {"shop-payment", "shop-payment-audit", "shop-audit", "-x"}) ==
          Names{"order: shop-audit", "payment: shop-payment-audit"});
}

TEST_CASE("orderctl lag: a topic that moved to a further group is shown with that group only") {
    std::vector<ServiceGroup> groups{
        group_of(Service::analytics, "analytics-service",
                 {{"order-events", true}, {"payment-events", false}}),
        group_of(Service::analytics, "analytics-service-money", {{"payment-events", true}})};

    remove_moved_topics(groups);

    CHECK(topics_in(groups[0]) == Names{"order-events"});
    CHECK_FALSE(groups[0].positions.topics.contains("payment-events"));
    CHECK(topics_in(groups[1]) == Names{"payment-events"});
}

TEST_CASE("orderctl lag: a topic stays while it is unknown who reads it, or another service does") {
    const ServiceGroup further =
        group_of(Service::analytics, "analytics-service-money", {{"payment-events", true}});
    const auto left = [&](ServiceGroup group) {
        std::vector<ServiceGroup> groups{std::move(group), further};
        remove_moved_topics(groups);
        return topics_in(groups[0]);
    };
    const Names all{"payment-events"};
    ServiceGroup group =
        group_of(Service::analytics, "analytics-service", {{"payment-events", false}});

    SECTION("the group is assigning its partitions") {
        group.positions.rebalancing = true;
        CHECK(left(group) == all);
    }
    SECTION("the group has no member") {
        group.positions.has_members = false;
        CHECK(left(group) == all);
    }
    SECTION("the group belongs to another service") {
        group.service = Service::shipping;
        CHECK(left(group) == all);
    }
    SECTION("both groups have partitions of it") {
        CHECK(left(group_of(Service::analytics, "analytics-service", {{"payment-events", true}})) ==
              all);
    }
}

}  // namespace orderflow::orderctl
