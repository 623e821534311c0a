// Holds the C++ codec and the schemas of proto-events together: on the examples, and on generated
// documents, valid and faulty, they accept and refuse the same.
//
// CONTRACT_SEED (default 1) chooses the generated documents; a failure names the one document's
// seed and text.
#include <cstdint>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "contract/contract.hpp"
#include "contract/documents.hpp"
#include "events/codec.hpp"

namespace orderflow::contract {
namespace {

using events::EventKind;

constexpr std::uint64_t kDocuments = 2'000;  // valid and faulty, each, per schema

std::string encoded(const events::Event& event) {
    std::string text;
    events::encode(event, text);
    return text;
}

std::string verdict(const Result<events::Event>& decoded) {
    if (decoded.has_value()) return "accepts";
    const Error& error = decoded.error();
    return "refuses: " + error.code + " " + error.pointer + " " + error.detail;
}

// What was accepted must survive being written and read again, and be written as the schema wants.
void check_round_trip(EventKind kind, const events::Event& event) {
    const std::string text = encoded(event);
    CAPTURE(text);
    if (!schema_of(kind).accepts(text)) FAIL("the schema refuses what the codec wrote");
    const auto again = events::decode(kind, text);
    if (!again) FAIL("the codec refuses its own text, it " << verdict(again));
    if (!(*again == event)) FAIL("the event changed on its way through JSON");
}

// The example of `kind` with another value (JSON text) in its member `name`.
std::string with_value(EventKind kind, std::string_view name, std::string_view value) {
    auto document = parsed(example_of(kind));
    auto replacement = parsed(value);
    rapidjson::Value& member = document[std::string(name).c_str()];
    member.CopyFrom(replacement, document.GetAllocator());
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    document.Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

TEST_CASE("every example is accepted by its schema and survives the codec unchanged") {
    for_each_kind([](EventKind kind) {
        CAPTURE(events::type_name(kind));
        const std::string example = example_of(kind);

        CHECK(schema_of(kind).accepts(example));
        const auto event = events::decode(kind, example);
        INFO("the codec " << verdict(event));
        REQUIRE(event.has_value());
        CHECK(events::kind_of(*event) == kind);
        CHECK(parsed(encoded(*event)) == parsed(example));
    });
}

TEST_CASE("codec and schema accept every generated valid document") {
    for_each_kind([](EventKind kind) {
        for (std::uint64_t seed = first_seed(); seed < first_seed() + kDocuments; ++seed) {
            const auto text = DocumentGenerator(schema_of(kind).document(), seed).valid();
            INFO(events::type_name(kind) << " seed " << seed << ": " << text);
            if (!schema_of(kind).accepts(text)) FAIL("the schema refuses it");
            const auto event = events::decode(kind, text);
            if (!event) FAIL("the codec " << verdict(event));
            check_round_trip(kind, *event);
        }
    });
}

TEST_CASE("codec and schema give the same verdict on faulty documents") {
    for_each_kind([](EventKind kind) {
        std::uint64_t refused = 0;
        for (std::uint64_t seed = first_seed(); seed < first_seed() + kDocuments; ++seed) {
            const auto text = DocumentGenerator(schema_of(kind).document(), seed).mutated();
            INFO(events::type_name(kind) << " seed " << seed << ": " << text);
            const bool accepted = schema_of(kind).accepts(text);
            const auto event = events::decode(kind, text);
            if (event.has_value() != accepted) {
                FAIL("the schema " << (accepted ? "accepts" : "refuses") << ", the codec "
                                   << verdict(event));
            }
            if (event) check_round_trip(kind, *event);
            if (!accepted) ++refused;
        }
        // Both verdicts must have been tried often enough to mean something.
        CAPTURE(events::type_name(kind), refused);
        CHECK(refused > kDocuments / 4);
        CHECK(refused < kDocuments - kDocuments / 20);
    });
}

TEST_CASE("a known field that stands twice is refused, an unknown one is ignored") {
    for_each_kind([](EventKind kind) {
        CAPTURE(events::type_name(kind));
        const std::string example = example_of(kind);
        const auto document = parsed(example);
        const std::string name(view(document.MemberBegin()->name));
        const std::string value(view(document.MemberBegin()->value));
        const std::string body = example.substr(example.find('{') + 1);

        const auto twice = events::decode(kind, "{\"" + name + "\":\"" + value + "\"," + body);
        REQUIRE(twice.has_error());
        CHECK(twice.error().code == "json-duplicate-key");
        CHECK(events::decode(kind, R"({"x":1,"x":{"y":[2]},)" + body).has_value());
    });
}

TEST_CASE("U+0000 is refused in every text") {
    const auto refuses = [](EventKind kind, std::string_view name, std::string_view value) {
        const auto text = with_value(kind, name, value);
        CAPTURE(text);
        CHECK(events::decode(kind, text).has_error());
    };
    refuses(EventKind::StockAdjusted, "name", R"("Lap\u0000top")");
    refuses(EventKind::StockAdjusted, "currency", R"("KRW\u0000")");
    refuses(EventKind::StockRejected, "reason", R"("OUT_OF_STOCK\u0000x")");
    refuses(EventKind::OrderCancelled, "undone", R"(["StockReleased\u0000x"])");
    refuses(EventKind::StockReleased, "orderId", R"("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10\u0000")");
}

TEST_CASE("negative zero, deep nesting, broken UTF-8 and trailing text are refused") {
    const auto code = [](std::string text) {
        const auto event = events::decode(EventKind::StockReleased, text);
        return event ? std::string("accepted") : event.error().code;
    };
    const std::string start = R"({"orderId":"019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10")";
    const auto nested = [&](std::size_t depth) {
        return start + R"(,"x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };

    CHECK(code(start + "}") == "accepted");
    CHECK(code(start + "} \n") == "accepted");
    CHECK(code(nested(15)) == "accepted");
    CHECK(code(nested(16)) == "json-limits");
    CHECK(code(nested(100'000)) == "json-limits");
    CHECK(code(start + ",\"x\":\"\xff\"}") == "json-syntax");
    CHECK(code(start + R"(,"x":"\ud800"})") == "json-syntax");
    CHECK(code(start + R"(,"x":"\udc00"})") == "json-syntax");
    CHECK(code(start + "}{}") == "json-syntax");
    CHECK(code(start + std::string("}\0", 2)) == "json-syntax");
    CHECK(code(start) == "json-syntax");
    CHECK(code("") == "json-syntax");

    std::string negative_zero = example_of(EventKind::StockAdjusted);
    negative_zero.replace(negative_zero.find("1500"), 4, "-0");
    CHECK(events::decode(EventKind::StockAdjusted, negative_zero).has_error());
}

}  // namespace orderflow::contract
