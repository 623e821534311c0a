#include "contract/documents.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <stdexcept>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace orderflow::contract {
namespace {

using rapidjson::SizeType;
using rapidjson::Value;

// Numbers that the DOM cannot hold as written (1e2) travel as marked strings until `written`.
constexpr std::string_view kRawBegin = "\"@raw:";
constexpr std::string_view kRawEnd = "@\"";

// One character each, one to four bytes in UTF-8; some need escapes. No U+0000: RapidJSON's regex
// engine takes it for the end of the text.
constexpr std::array<std::string_view, 14> kCharacters{
    "a", "Z", "7", " ", "-", "\"", "\\", "/", "\n", "\x01", "é", "한", "\u2028", "😀"};

constexpr std::array<std::string_view, 12> kEnumerators{
    "",          "card",    "CARD",          "OUT_OF_STOCK",  "CARD_DECLINED", "STORAGE_FULL",
    "CUSTOMER ", "payment", "StockReleased", "StockReserved", "out_of_stock",  "CUSTOMER"};

// Longer texts are made rarely: they cost time and show nothing new but their limit.
constexpr std::size_t kLong = 1'000;

// Not -0, which only the codec refuses.
constexpr std::array<std::string_view, 11> kNumbers{"1.0",
                                                    "1e2",
                                                    "1E+0",
                                                    "0.0",
                                                    "-0.0",
                                                    "1.5",
                                                    "1e-1",
                                                    "9223372036854775808",
                                                    "18446744073709551616",
                                                    "-9223372036854775809",
                                                    "1e400"};

std::string_view view(const Value& value) { return {value.GetString(), value.GetStringLength()}; }

Value::ConstMemberIterator find(const Value& value, const char* name) {
    return value.FindMember(name);
}

bool has(const Value& schema, const char* name) { return schema.HasMember(name); }

std::size_t size_or(const Value& schema, const char* name, std::size_t otherwise) {
    const auto found = find(schema, name);
    return found == schema.MemberEnd() ? otherwise : found->value.GetUint();
}

bool is_required(const Value& schema, std::string_view name) {
    const auto required = schema["required"].GetArray();
    return std::any_of(required.begin(), required.end(),
                       [&](const Value& one) { return view(one) == name; });
}

}  // namespace

DocumentGenerator::DocumentGenerator(const Value& schema, std::uint64_t seed)
    : root_(schema), random_(seed) {}

std::string DocumentGenerator::valid() {
    document_.SetNull();
    static_cast<Value&>(document_) = value(root_);
    return written();
}

std::string DocumentGenerator::mutated() {
    valid();
    mutate();
    if (one_in(4)) mutate();
    return written();
}

std::size_t DocumentGenerator::pick(std::size_t count) { return random_() % count; }

Value DocumentGenerator::text(std::string_view characters) {
    return Value(characters.data(), static_cast<SizeType>(characters.size()),
                 document_.GetAllocator());
}

std::string DocumentGenerator::characters(std::size_t count) {
    std::string result;
    // Half of the texts are of one character only, so that all four byte lengths meet the limit.
    const bool uniform = one_in(2);
    const std::size_t first = pick(kCharacters.size());
    for (std::size_t i = 0; i < count; ++i) {
        result += kCharacters[uniform ? first : pick(kCharacters.size())];
    }
    return result;
}

const Value& DocumentGenerator::resolved(const Value& schema) const {
    const auto reference = find(schema, "$ref");
    if (reference == schema.MemberEnd()) return schema;
    constexpr std::string_view kLocal = "#/definitions/";
    const std::string_view target = view(reference->value);
    if (!target.starts_with(kLocal)) throw std::logic_error("only local references are known");
    return root_["definitions"][std::string(target.substr(kLocal.size())).c_str()];
}

Value DocumentGenerator::value(const Value& unresolved) {
    const Value& schema = resolved(unresolved);
    const std::string_view type = view(schema["type"]);
    if (type == "object") return object(schema);
    if (type == "array") return array(schema);
    if (type == "integer") return integer(schema);
    if (type == "boolean") return Value(one_in(2));
    if (type == "string") return string(schema);
    throw std::logic_error("teach the generator the type " + std::string(type));
}

Value DocumentGenerator::object(const Value& schema) {
    std::vector<const Value::Member*> members;
    for (const auto& member : schema["properties"].GetObject()) {
        if (is_required(schema, view(member.name)) || one_in(2)) members.push_back(&member);
    }
    std::shuffle(members.begin(), members.end(), random_);
    Value result(rapidjson::kObjectType);
    for (const auto* member : members) {
        if (one_in(24)) add_unknown_member(result, schema);
        result.AddMember(text(view(member->name)), value(member->value), document_.GetAllocator());
    }
    return result;
}

Value DocumentGenerator::array(const Value& schema) {
    const std::size_t min = size_or(schema, "minItems", 0);
    const std::size_t max = schema["maxItems"].GetUint();
    if (has(schema, "uniqueItems")) {
        // Unique elements are only needed of an enum: a random subset of it in random order.
        const Value& names = resolved(schema["items"])["enum"];
        Value result(rapidjson::kArrayType);
        std::vector<SizeType> order(names.Size());
        for (SizeType i = 0; i < names.Size(); ++i) order[i] = i;
        std::shuffle(order.begin(), order.end(), random_);
        order.resize(min + pick(std::min(max, order.size()) - min + 1));
        for (const SizeType i : order) {
            result.PushBack(text(view(names[i])), document_.GetAllocator());
        }
        return result;
    }
    return array_of(schema, one_in(32) ? max : min + pick(std::min<std::size_t>(max - min, 3)));
}

Value DocumentGenerator::array_of(const Value& schema, std::size_t count) {
    Value result(rapidjson::kArrayType);
    for (std::size_t i = 0; i < count; ++i) {
        result.PushBack(value(schema["items"]), document_.GetAllocator());
    }
    return result;
}

Value DocumentGenerator::integer(const Value& schema) {
    const std::int64_t min = schema["minimum"].GetInt64();
    const std::int64_t max = schema["maximum"].GetInt64();
    switch (pick(6)) {
        case 0: return Value(min);
        case 1: return Value(max);
        case 2: return Value(min + 1);
        case 3: return Value(max - 1);
        default: break;
    }
    return Value(min + static_cast<std::int64_t>(pick(static_cast<std::size_t>(max - min) + 1)));
}

Value DocumentGenerator::string(const Value& schema) {
    if (has(schema, "enum")) {
        const Value& names = schema["enum"];
        return text(view(names[static_cast<SizeType>(pick(names.Size()))]));
    }
    if (has(schema, "pattern")) return text(matching(view(schema["pattern"])));
    const std::size_t min = schema["minLength"].GetUint();
    const std::size_t max = schema["maxLength"].GetUint();
    switch (pick(4)) {
        case 0: return text(characters(min));
        case 1: return text(characters(max > kLong && !one_in(8) ? kLong : max));
        default: return text(characters(min + pick(std::min(max, kLong) - min + 1)));
    }
}

std::string DocumentGenerator::matching(std::string_view pattern) {
    const auto of = [&](std::string_view alphabet, std::size_t count) {
        std::string result;
        for (std::size_t i = 0; i < count; ++i) result += alphabet[pick(alphabet.size())];
        return result;
    };
    if (pattern.starts_with("^[0-9a-f]{8}-")) {
        constexpr std::string_view kHex = "0123456789abcdef";
        return of(kHex, 8) + "-" + of(kHex, 4) + "-" + of(kHex, 4) + "-" + of(kHex, 4) + "-" +
               of(kHex, 12);
    }
    constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (pattern == "^[A-Z]{3}$") return of(kCapitals, 3);
    if (pattern == "^[A-Z]{2}$") return of(kCapitals, 2);
    if (pattern.starts_with("^([0-9]{4}-")) return instant(true);
    throw std::logic_error("teach the generator the pattern " + std::string(pattern));
}

// An RFC 3339 instant; when it need not exist, each part may be one beyond its range.
std::string DocumentGenerator::instant(bool exists) {
    constexpr std::array<unsigned, 8> kYears{0, 1900, 1970, 2000, 2024, 2026, 2100, 9999};
    constexpr std::array<unsigned, 13> kDays{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const auto part = [&](unsigned low, unsigned high) {  // the ends are as likely as the rest
        if (!exists && one_in(12)) return one_in(2) ? high + 1 : (low == 0 ? high + 1 : low - 1);
        return one_in(4) ? high : low + static_cast<unsigned>(pick(high - low + 1));
    };
    const unsigned year = kYears[pick(kYears.size())];
    const unsigned month = one_in(3) ? 2 : part(1, 12);
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    unsigned last = month > 12 ? 31 : kDays[month];
    if (month == 2 && leap) last = 29;
    const unsigned day = part(1, last == 0 ? 31 : last);
    char buffer[64];
    const int length = std::snprintf(buffer, sizeof buffer, "%04u-%02u-%02uT%02u:%02u:%02u", year,
                                     month, day, part(0, 23), part(0, 59), part(0, 59));
    std::string result(buffer, static_cast<std::size_t>(length));
    const std::size_t digits = pick(exists ? 7 : 9);
    if (digits > 0) result += '.';
    for (std::size_t i = 0; i < digits; ++i) result += static_cast<char>('0' + pick(10));
    return result + "Z";
}

Value DocumentGenerator::anything() {
    switch (pick(8)) {
        case 0: return Value();
        case 1: return Value(true);
        case 2: return Value(std::int64_t{-1});
        case 3: return Value(1.5);
        case 4: return text("text");
        case 5: return Value(rapidjson::kArrayType);
        case 6: return Value(rapidjson::kObjectType);
        default: break;
    }
    Value nested(rapidjson::kObjectType);
    nested.AddMember("items", Value(rapidjson::kArrayType).PushBack(1, document_.GetAllocator()),
                     document_.GetAllocator());
    return nested;
}

void DocumentGenerator::add_unknown_member(Value& target, const Value& schema) {
    constexpr std::array<std::string_view, 8> kNames{"note",     "",  "order_id", "OrderId",
                                                     "orderId ", "é", "items",    "order"};
    const std::string name(kNames[pick(kNames.size())]);
    if (target.HasMember(name.c_str()) || has(schema["properties"], name.c_str())) return;
    target.AddMember(text(name), anything(), document_.GetAllocator());
}

void DocumentGenerator::collect(Value& value, const Value& unresolved, Value* parent,
                                std::string_view name, std::vector<Node>& nodes) {
    const Value& schema = resolved(unresolved);
    nodes.push_back({&value, &schema, parent, std::string(name)});
    if (value.IsObject() && has(schema, "properties")) {
        for (auto& member : value.GetObject()) {
            const auto known = schema["properties"].FindMember(member.name);
            if (known == schema["properties"].MemberEnd()) continue;
            collect(member.value, known->value, &value, view(member.name), nodes);
        }
    }
    if (value.IsArray() && has(schema, "items")) {
        for (auto& element : value.GetArray()) collect(element, schema["items"], &value, "", nodes);
    }
}

void DocumentGenerator::mutate() {
    std::vector<Node> nodes;
    collect(document_, root_, nullptr, "", nodes);
    Node& node = nodes[pick(nodes.size())];
    if (one_in(3)) return mutate_place(node);
    const std::string_view type = view((*node.schema)["type"]);
    Value changed;
    if (type == "object" && node.value->IsObject()) {
        changed = other_object(*node.value, *node.schema);
    } else if (type == "array" && node.value->IsArray()) {
        changed = other_array(*node.value, *node.schema);
    } else if (type == "integer") {
        changed = other_integer(*node.schema);
    } else if (type == "string" && node.value->IsString()) {
        changed = other_string(*node.value, *node.schema);
    } else {
        changed = anything();
    }
    *node.value = changed;
}

// Changes that need no look at the type: gone, under another name, null, something else.
void DocumentGenerator::mutate_place(Node& node) {
    const bool is_member = node.parent != nullptr && node.parent->IsObject();
    switch (pick(4)) {
        case 0:
            if (is_member) node.parent->RemoveMember(node.name.c_str());
            return;
        case 1:
            if (is_member) {
                Value moved(*node.value, document_.GetAllocator());
                node.parent->RemoveMember(node.name.c_str());
                node.name[0] = static_cast<char>(node.name[0] - 'a' + 'A');
                node.parent->AddMember(text(node.name), moved, document_.GetAllocator());
            }
            return;
        case 2: node.value->SetNull(); return;
        default: *node.value = anything(); return;
    }
}

Value DocumentGenerator::other_integer(const Value& schema) {
    const std::int64_t min = schema["minimum"].GetInt64();
    const std::int64_t max = schema["maximum"].GetInt64();
    switch (pick(10)) {
        case 0: return Value(min - 1);
        case 1: return Value(max + 1);
        case 2: return Value(min);
        case 3: return Value(max);
        case 4: return Value(std::numeric_limits<std::int64_t>::min());
        case 5: return Value(std::numeric_limits<std::uint64_t>::max());
        case 6: return text("1");
        default: return raw(kNumbers[pick(kNumbers.size())]);
    }
}

Value DocumentGenerator::other_string(const Value& current, const Value& schema) {
    if (has(schema, "enum")) return other_enumerator(view(current));
    if (has(schema, "pattern")) {
        if (view(schema["pattern"]).starts_with("^([0-9]{4}-") && !one_in(4)) {
            return text(instant(false));
        }
        return text(edited(std::string(view(current))));
    }
    switch (pick(4)) {
        case 0: return text("");
        case 1: return text(characters(schema["maxLength"].GetUint()));
        case 2: return text(characters(schema["maxLength"].GetUint() + 1));
        default: return text(characters(schema["minLength"].GetUint()));
    }
}

Value DocumentGenerator::other_enumerator(std::string_view current) {
    if (one_in(3)) return text(edited(std::string(current)));
    return text(kEnumerators[pick(kEnumerators.size())]);
}

// One character added, replaced or taken away, or the case of all letters changed.
std::string DocumentGenerator::edited(std::string text) {
    constexpr std::string_view kBytes = "0919afgAFGZz-:.TZ \n";
    const char byte = kBytes[pick(kBytes.size())];
    const std::size_t at = text.empty() ? 0 : pick(text.size());
    switch (pick(6)) {
        case 0: text.insert(text.begin() + static_cast<std::ptrdiff_t>(at), byte); break;
        case 1: text += byte; break;
        case 2: text += kCharacters[pick(kCharacters.size())]; break;
        case 3:
            if (!text.empty()) text[at] = byte;
            break;
        case 4:
            if (!text.empty()) text.erase(at, 1);
            break;
        default:
            for (char& c : text) {
                if (c >= 'a' && c <= 'z')
                    c = static_cast<char>(c - 'a' + 'A');
                else if (c >= 'A' && c <= 'Z')
                    c = static_cast<char>(c - 'A' + 'a');
            }
    }
    return text;
}

Value DocumentGenerator::other_array(const Value& current, const Value& schema) {
    auto& allocator = document_.GetAllocator();
    Value result(current, allocator);
    switch (pick(6)) {
        case 0: return Value(rapidjson::kArrayType);
        case 1: return array_of(schema, schema["maxItems"].GetUint());
        case 2: return array_of(schema, schema["maxItems"].GetUint() + 1);
        case 3: return Value(rapidjson::kObjectType);
        case 4: result.PushBack(anything(), allocator); break;
        default:
            if (!result.Empty()) result.PushBack(Value(result[0], allocator), allocator);
    }
    return result;
}

Value DocumentGenerator::other_object(const Value& current, const Value& schema) {
    switch (pick(4)) {
        case 0: return Value(rapidjson::kObjectType);
        case 1: {  // its values without their names
            Value list(rapidjson::kArrayType);
            for (const auto& member : current.GetObject()) {
                list.PushBack(Value(member.value, document_.GetAllocator()),
                              document_.GetAllocator());
            }
            return list;
        }
        default: break;
    }
    Value result(current, document_.GetAllocator());
    add_unknown_member(result, schema);
    return result;
}

Value DocumentGenerator::raw(std::string_view number) {
    return text(std::string(kRawBegin.substr(1)) + std::string(number) + "@");
}

std::string DocumentGenerator::written() const {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    document_.Accept(writer);
    std::string result(buffer.GetString(), buffer.GetSize());
    for (std::size_t at = result.find(kRawBegin); at != std::string::npos;
         at = result.find(kRawBegin, at)) {
        const std::size_t end = result.find(kRawEnd, at);
        result.erase(end, kRawEnd.size());
        result.erase(at, kRawBegin.size());
    }
    return result;
}

}  // namespace orderflow::contract
