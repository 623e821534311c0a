// Holds the announcements (RecordParked, RecordDied) to their schemas and to catalog.json as the
// events are held: examples, generated documents, topics and names.
#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include "contract/contract.hpp"
#include "contract/documents.hpp"
#include "events/announcements.hpp"

namespace orderflow::contract {
namespace {

using events::RecordDied;
using events::RecordParked;
using events::Service;

constexpr std::uint64_t kDocuments = 300;  // valid and faulty, each; some of them are large

std::string_view type_of(const RecordParked&) { return events::kRecordParkedType; }
std::string_view type_of(const RecordDied&) { return events::kRecordDiedType; }

Result<RecordParked> decoded(std::string_view json, const RecordParked&) {
    return events::decode_record_parked(json);
}
Result<RecordDied> decoded(std::string_view json, const RecordDied&) {
    return events::decode_record_died(json);
}

template <class Announcement>
std::string verdict(const Result<Announcement>& result) {
    if (result.has_value()) return "accepts";
    return "refuses: " + result.error().code + " " + result.error().pointer + " " +
           result.error().detail;
}

// Enough of a document to see what it is about.
std::string start_of(const std::string& text) { return text.substr(0, 2'000); }

// The type's contract: schema, example, and the codec under test.
template <class Announcement>
struct Contract {
    const std::string type{type_of(Announcement{})};
    const EventSchema schema{type};

    std::string example() const { return read_contract_file("examples/" + type + ".json"); }
    Result<Announcement> decode(std::string_view json) const {
        return decoded(json, Announcement{});
    }

    // What was accepted must survive being written and read again.
    void check_round_trip(const Announcement& announcement) const {
        std::string text;
        events::encode(announcement, text);
        INFO(start_of(text));
        if (!schema.accepts(text)) FAIL("the schema refuses what the codec wrote");
        const auto again = decode(text);
        if (!again) FAIL("the codec refuses its own text, it " << verdict(again));
        if (!(*again == announcement)) FAIL("the announcement changed on its way through JSON");
    }
};

const rapidjson::Document& catalog_json() {
    static const rapidjson::Document document = parsed(read_contract_file("catalog.json"));
    return document;
}

const rapidjson::Value& row_of(std::string_view type) {
    for (const auto& row : catalog_json()["announcements"].GetArray()) {
        if (view(row["type"]) == type) return row;
    }
    throw std::logic_error("catalog.json does not announce " + std::string(type));
}

std::vector<std::string> topics_of(std::string_view type) {
    std::vector<std::string> topics;
    for (const auto& topic : row_of(type)["topics"].GetArray()) topics.emplace_back(view(topic));
    return topics;
}

}  // namespace

TEMPLATE_TEST_CASE("the example of an announcement survives the codec unchanged", "", RecordParked,
                   RecordDied) {
    const Contract<TestType> contract;
    const std::string example = contract.example();
    CHECK(contract.schema.accepts(example));
    const auto announcement = contract.decode(example);
    INFO("the codec " << verdict(announcement));
    REQUIRE(announcement.has_value());
    std::string text;
    events::encode(*announcement, text);
    CHECK(parsed(text) == parsed(example));
}

TEMPLATE_TEST_CASE("codec and schema accept every generated valid announcement", "", RecordParked,
                   RecordDied) {
    const Contract<TestType> contract;
    for (std::uint64_t seed = first_seed(); seed < first_seed() + kDocuments; ++seed) {
        const auto text = DocumentGenerator(contract.schema.document(), seed).valid();
        INFO(contract.type << " seed " << seed << ": " << start_of(text));
        if (!contract.schema.accepts(text)) FAIL("the schema refuses it");
        const auto announcement = contract.decode(text);
        if (!announcement) FAIL("the codec " << verdict(announcement));
        contract.check_round_trip(*announcement);
    }
}

TEMPLATE_TEST_CASE("codec and schema give the same verdict on faulty announcements", "",
                   RecordParked, RecordDied) {
    const Contract<TestType> contract;
    std::uint64_t refused = 0;
    for (std::uint64_t seed = first_seed(); seed < first_seed() + kDocuments; ++seed) {
        const auto text = DocumentGenerator(contract.schema.document(), seed).mutated();
        INFO(contract.type << " seed " << seed << ": " << start_of(text));
        const bool accepted = contract.schema.accepts(text);
        const auto announcement = contract.decode(text);
        if (announcement.has_value() != accepted) {
            FAIL("the schema " << (accepted ? "accepts" : "refuses") << ", the codec "
                               << verdict(announcement));
        }
        if (announcement) contract.check_round_trip(*announcement);
        if (!accepted) ++refused;
    }
    CAPTURE(refused);
    CHECK(refused > kDocuments / 4);
    CHECK(refused < kDocuments - kDocuments / 20);
}

TEST_CASE("catalog.json announces what C++ announces, on the topics that C++ names") {
    CHECK(catalog_json()["announcements"].Size() == 2);
    CHECK(topics_of(events::kRecordDiedType) == std::vector<std::string>{"dead-letter-queue"});
    CHECK(events::kDeadLetterTopic == "dead-letter-queue");

    auto retry = topics_of(events::kRecordParkedType);
    std::vector<std::string> expected;
    for (const auto topic : events::topics_consumed_by(Service::analytics)) {
        expected.push_back(events::retry_topic_of(topic));
    }
    std::ranges::sort(retry);
    std::ranges::sort(expected);
    CHECK(retry == expected);
}

TEST_CASE("announcements are consumed by nobody") {
    for (const auto type : {events::kRecordParkedType, events::kRecordDiedType}) {
        for (const std::string& topic : topics_of(type)) {
            for (std::size_t i = 0; i < events::kServiceNames.size(); ++i) {
                const auto service = static_cast<Service>(i);
                CAPTURE(events::names_of(service).name, topic, type);
                CHECK(events::classify(service, topic, type).interest ==
                      events::Interest::unknown_type);
                const auto consumed = events::topics_consumed_by(service);
                CHECK(std::ranges::find(consumed, topic) == consumed.end());
            }
        }
    }
}

}  // namespace orderflow::contract
