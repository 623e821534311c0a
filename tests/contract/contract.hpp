#pragma once
// The contract as files: catalog.json, schemas and examples of proto-events, read for the tests.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include <rapidjson/document.h>
#include <rapidjson/schema.h>

#include "events/catalog.hpp"
#include "support/source_dir.hpp"

namespace orderflow::contract {

inline std::string read_contract_file(const std::string& name) {
    const std::filesystem::path path = test::source_dir() / "proto-events" / name;
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

inline rapidjson::Document parsed(std::string_view json) {
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
    return document;
}

inline std::string_view view(const rapidjson::Value& value) {
    return {value.GetString(), value.GetStringLength()};
}

// Where the seeds of generated documents begin: CONTRACT_SEED, default 1, in millions.
inline std::uint64_t first_seed() {
    const char* text = std::getenv("CONTRACT_SEED");
    return (text != nullptr ? std::strtoull(text, nullptr, 10) : 1) * 1'000'000;
}

// One event version: its schema as a document, for the generator, and compiled, for verdicts.
class EventSchema {
public:
    explicit EventSchema(std::string_view type)
        : document_(parsed(read_contract_file(std::string(type) + ".schema.json"))),
          compiled_(document_) {
        if (document_.HasParseError()) throw std::runtime_error("schema is not valid JSON");
    }

    const rapidjson::Value& document() const { return document_; }

    bool accepts(std::string_view json) const {
        const auto document = parsed(json);
        if (document.HasParseError()) return false;
        rapidjson::SchemaValidator validator(compiled_);
        return document.Accept(validator);
    }

private:
    rapidjson::Document document_;
    rapidjson::SchemaDocument compiled_;
};

template <class Action>
void for_each_kind(Action action) {
    for (std::size_t i = 0; i < events::kEventKinds; ++i) {
        action(static_cast<events::EventKind>(i));
    }
}

inline const EventSchema& schema_of(events::EventKind kind) {
    static std::map<events::EventKind, std::unique_ptr<EventSchema>> schemas;
    auto& schema = schemas[kind];
    if (!schema) schema = std::make_unique<EventSchema>(events::type_name(kind));
    return *schema;
}

inline std::string example_of(events::EventKind kind) {
    return read_contract_file("examples/" + std::string(events::type_name(kind)) + ".json");
}

}  // namespace orderflow::contract
