#pragma once
// Makes JSON documents from a JSON Schema: valid ones at and between the bounds, and ones with a
// fault planted where schema and codec could disagree. A seed gives the same document always.
// Used by the contract tests; one generator, one thread.
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <rapidjson/document.h>

namespace orderflow::contract {

class DocumentGenerator {
public:
    // `schema` outlives the generator. It may use what the schemas of proto-events use: objects,
    // arrays, integers, booleans, strings with length, enum or a known pattern, local $ref.
    DocumentGenerator(const rapidjson::Value& schema, std::uint64_t seed);

    // A document that the schema accepts.
    std::string valid();

    // A valid document after one or two changes, most of which make it invalid.
    std::string mutated();

private:
    using Value = rapidjson::Value;

    // A value of the document with the schema that applies to it and the place it stands in.
    struct Node {
        Value* value;
        const Value* schema;
        Value* parent;     // nullptr for the document itself
        std::string name;  // when the parent is an object
    };

    std::size_t pick(std::size_t count);
    bool one_in(std::size_t count) { return pick(count) == 0; }
    Value text(std::string_view characters);
    std::string characters(std::size_t count);

    const Value& resolved(const Value& schema) const;
    Value value(const Value& schema);
    Value object(const Value& schema);
    Value array(const Value& schema);
    Value array_of(const Value& schema, std::size_t count);
    Value integer(const Value& schema);
    Value string(const Value& schema);
    std::string matching(std::string_view pattern);
    std::string instant(bool exists);
    Value anything();
    void add_unknown_member(Value& target, const Value& schema);

    void collect(Value& value, const Value& schema, Value* parent, std::string_view name,
                 std::vector<Node>& nodes);
    void mutate();
    void mutate_place(Node& node);
    Value other_integer(const Value& schema);
    Value other_string(const Value& current, const Value& schema);
    Value other_enumerator(std::string_view current);
    std::string edited(std::string text);
    Value other_array(const Value& current, const Value& schema);
    Value other_object(const Value& current, const Value& schema);
    Value raw(std::string_view number);

    std::string written() const;

    const Value& root_;
    std::mt19937_64 random_;
    rapidjson::Document document_;
};

}  // namespace orderflow::contract
