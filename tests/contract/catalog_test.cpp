// Holds the C++ catalog and proto-events/catalog.json together, in both directions.
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include "contract/contract.hpp"
#include "events/codec.hpp"

namespace orderflow::contract {
namespace {

using events::Interest;
using events::Service;

constexpr std::array kServices{Service::order, Service::payment, Service::inventory,
                               Service::shipping, Service::analytics};

const rapidjson::Document& catalog_json() {
    static const rapidjson::Document document = parsed(read_contract_file("catalog.json"));
    return document;
}

std::string name_of(Service service) { return std::string(events::names_of(service).name); }

std::set<std::string> names_of_bits(std::uint8_t services) {
    std::set<std::string> names;
    for (const Service service : kServices) {
        if (services & events::bit(service)) names.insert(name_of(service));
    }
    return names;
}

std::set<std::string> names_in(const rapidjson::Value& list) {
    std::set<std::string> names;
    for (const auto& name : list.GetArray()) names.emplace(view(name));
    return names;
}

// A row in words, so that a difference can be read.
std::string described(std::string_view type, std::string_view producer, std::string_view topic,
                      std::string_view key, const std::set<std::string>& consumers) {
    std::string text;
    for (const auto part : {type, producer, topic, key}) text += std::string(part) + " ";
    text += "->";
    for (const auto& consumer : consumers) text += " " + consumer;
    return text;
}

std::set<std::string> rows_of_json() {
    std::set<std::string> rows;
    for (const auto& row : catalog_json()["events"].GetArray()) {
        rows.insert(described(view(row["type"]), view(row["producer"]), view(row["topic"]),
                              view(row["key"]), names_in(row["consumers"])));
    }
    return rows;
}

std::string_view name_of(events::KeyRule rule) {
    switch (rule) {
        case events::KeyRule::order_id: return "orderId";
        case events::KeyRule::product_id: return "productId";
        case events::KeyRule::none: return "none";
    }
    return "?";
}

std::set<std::string> rows_of_cpp() {
    std::set<std::string> rows;
    for (const events::CatalogRow& row : events::catalog()) {
        rows.insert(described(events::type_name(row.kind), name_of(row.producer), row.topic,
                              name_of(row.key), names_of_bits(row.consumers)));
    }
    return rows;
}

bool consumes(const rapidjson::Value& row, const std::string& service) {
    const auto consumers = row["consumers"].GetArray();
    return std::any_of(consumers.begin(), consumers.end(),
                       [&](const auto& name) { return view(name) == service; });
}

}  // namespace

// The rows are generated; this holds the generator (cmake/embed_catalog.cmake) to the file.
TEST_CASE("the C++ catalog has the rows of catalog.json and no others") {
    CHECK(rows_of_cpp() == rows_of_json());
    CHECK(events::catalog().size() == catalog_json()["events"].Size());
}

TEST_CASE("the C++ topics have the settings of catalog.json") {
    const auto& expected = catalog_json()["topics"];
    const auto topics = events::topics();
    REQUIRE(topics.size() == expected.Size());
    for (rapidjson::SizeType i = 0; i < expected.Size(); ++i) {
        CHECK(topics[i].name == view(expected[i]["name"]));
        CHECK(names_of_bits(topics[i].producers) == names_in(expected[i]["producers"]));
        CHECK(topics[i].partitions == expected[i]["partitions"].GetInt());
        CHECK(topics[i].replication == expected[i]["replication"].GetInt());
        CHECK(topics[i].min_insync_replicas == expected[i]["minInsyncReplicas"].GetInt());
        CHECK(topics[i].retention_ms == expected[i]["retentionMs"].GetInt64());
        CHECK(topics[i].retention_bytes == expected[i]["retentionBytes"].GetInt64());
        CHECK(topics[i].max_message_bytes == expected[i]["maxMessageBytes"].GetInt());
    }
}

TEST_CASE("a service consumes the topics on which catalog.json lists an event for it") {
    for (const Service service : kServices) {
        CAPTURE(name_of(service));
        std::set<std::string> expected;
        for (const auto& row : catalog_json()["events"].GetArray()) {
            if (consumes(row, name_of(service))) expected.emplace(view(row["topic"]));
        }
        const auto topics = events::topics_consumed_by(service);
        CHECK(std::set<std::string>(topics.begin(), topics.end()) == expected);
        CHECK(topics.size() == expected.size());
        CHECK(events::names_of(service).source == "/" + name_of(service));
    }
}

TEST_CASE("an event has the key that catalog.json gives it, and its schema's example has it, too") {
    for (const auto& row : catalog_json()["events"].GetArray()) {
        const std::string type(view(row["type"]));
        CAPTURE(type);
        const auto kind = events::classify(Service::analytics, view(row["topic"]), type).kind;
        const std::string text = read_contract_file("examples/" + type + ".json");
        const auto event = events::decode(kind, text);
        REQUIRE(event.has_value());
        const std::string rule(view(row["key"]));
        const auto example = parsed(text);
        CHECK(events::key_of(*event) ==
              (rule == "none" ? std::nullopt
                              : std::optional(std::string(view(example[rule.c_str()])))));
        const auto producer = std::ranges::find_if(
            kServices, [&](Service service) { return name_of(service) == view(row["producer"]); });
        CHECK(events::topic_of(kind, *producer) == view(row["topic"]));
    }
}

TEST_CASE("a consumer takes what the catalog lists for it and skips the rest") {
    for (const Service service : kServices) {
        for (const auto& row : catalog_json()["events"].GetArray()) {
            const std::string type(view(row["type"]));
            CAPTURE(name_of(service), type);
            const auto found = events::classify(service, view(row["topic"]), type);
            const bool concerned = consumes(row, name_of(service));
            CHECK(found.interest == (concerned ? Interest::consume : Interest::skip));
            CHECK(events::type_name(found.kind) == type);

            // An event on a topic that is not its own is nobody's.
            CHECK(events::classify(service, "elsewhere", type).interest == Interest::skip);
        }
    }
}

TEST_CASE("another major version is an error only for who consumes the event") {
    for (const Service service : kServices) {
        for (const auto& row : catalog_json()["events"].GetArray()) {
            std::string type(view(row["type"]));
            type.back() = '2';
            CAPTURE(name_of(service), type);
            const auto found = events::classify(service, view(row["topic"]), type);
            const bool concerned = consumes(row, name_of(service));
            CHECK(found.interest == (concerned ? Interest::unknown_version : Interest::skip));
        }
    }
}

TEST_CASE("types that the catalog does not know are unknown") {
    for (const std::string_view type : {"", "v1", ".v1", "OrderPlaced", "orderplaced.v1",
                                        "OrderShredded.v1", "OrderPlaced.v1 ", "OrderPlacedv1"}) {
        CAPTURE(type);
        const auto found = events::classify(Service::analytics, "order-events", type);
        CHECK(found.interest != Interest::consume);
        CHECK(found.interest != Interest::skip);
    }
    CHECK(events::classify(Service::analytics, "order-events", "OrderShredded.v1").interest ==
          Interest::unknown_type);
}

}  // namespace orderflow::contract
