// Every property that a schema of proto-events has stands in the one list of what is about a
// person, as that or as not, and nothing else does.
#include <set>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "contract/contract.hpp"
#include "events/announcements.hpp"
#include "events/personal.hpp"

namespace orderflow::contract {
namespace {

void collect_properties(const rapidjson::Value& schema, std::set<std::string>& names) {
    if (schema.IsArray()) {
        for (const auto& element : schema.GetArray()) collect_properties(element, names);
    }
    if (!schema.IsObject()) return;
    for (const auto& [name, value] : schema.GetObject()) {
        if (view(name) == "properties") {
            for (const auto& property : value.GetObject()) names.emplace(view(property.name));
        }
        collect_properties(value, names);
    }
}

}  // namespace

TEST_CASE("each property of each schema is listed as personal or not") {
    std::set<std::string> properties;
    for_each_kind([&](events::EventKind kind) {
        collect_properties(schema_of(kind).document(), properties);
    });
    for (const auto type : {events::kRecordParkedType, events::kRecordDiedType}) {
        collect_properties(EventSchema(type).document(), properties);
    }
    std::set<std::string> listed;
    for (const auto& member : events::member_privacies()) {
        CAPTURE(member.name);
        CHECK(listed.emplace(member.name).second);
    }
    CHECK(listed == properties);
}

}  // namespace orderflow::contract
