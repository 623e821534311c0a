#pragma once
// One generic JSON codec for structs that are described with Boost.Describe: event data, HTTP
// bodies, answers. Include it in .cpp files only, because it includes RapidJSON. Any thread.
#include <array>
#include <bitset>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <rapidjson/writer.h>

#include "core/ids.hpp"
#include "core/money.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "json/reader.hpp"
#include "json/limits.hpp"

namespace orderflow::json {

enum class UnknownMembers { ignore, refuse };

// A member that may be missing or null in the JSON of another system, for example in an answer of
// the payment gateway. For reading only.
template <class T>
struct Nullable : std::optional<T> {
    using std::optional<T>::optional;
};

namespace describe = boost::describe;
namespace mp11 = boost::mp11;

inline constexpr std::size_t kMaxNumberChars = 20;

template <class T>
using Members = describe::describe_members<T, describe::mod_any_access>;

// "order_id" → "orderId", at compile time. The text ends with a zero, which `view` leaves out.
template <class Descriptor>
struct MemberName {
    static constexpr std::size_t kRaw = std::char_traits<char>::length(Descriptor::name);
    std::array<char, kRaw + 1> text{};
    std::size_t size = 0;
    constexpr MemberName() {
        bool upper = false;
        for (std::size_t i = 0; i < kRaw; ++i) {
            const char c = Descriptor::name[i];
            if (c == '_') {
                upper = true;
                continue;
            }
            text[size++] = upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
            upper = false;
        }
    }
    constexpr std::string_view view() const { return {text.data(), size}; }
};
template <class Descriptor>
inline constexpr MemberName<Descriptor> kMemberName{};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsOptional<Nullable<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsId : std::false_type {};
template <class Tag>
struct IsId<Id<Tag>> : std::true_type {};

inline std::size_t code_points(std::string_view utf8) {
    std::size_t n = 0;
    for (const char c : utf8) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    return n;
}

inline bool read_value(Reader& reader, std::string& out, UnknownMembers) {
    if (reader.token() != Token::string) return reader.fail("validation", "must be a string");
    // PostgreSQL's text cannot hold U+0000.
    if (reader.text().find('\0') != std::string_view::npos) {
        return reader.fail("validation", "must not contain U+0000");
    }
    out = reader.text();
    return true;
}

inline bool read_value(Reader& reader, bool& out, UnknownMembers) {
    if (reader.token() != Token::boolean) return reader.fail("validation", "must be true or false");
    out = reader.boolean();
    return true;
}

inline bool read_value(Reader& reader, std::int64_t& out, UnknownMembers) {
    if (reader.token() != Token::number) return reader.fail("validation", "must be an integer");
    const std::string_view text = reader.text();
    if (text.size() > kMaxNumberChars || text.find_first_of(".eE") != std::string_view::npos ||
        text == "-0") {
        return reader.fail("json-number", "must be a plain integer");
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return reader.fail("json-number", "must fit a signed 64-bit integer");
    }
    return true;
}

inline bool read_value(Reader& reader, double& out, UnknownMembers) {
    if (reader.token() != Token::number) return reader.fail("validation", "must be a number");
    const std::string_view text = reader.text();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return reader.fail("json-number", "must fit a double");
    }
    return true;
}

template <class Tag>
bool read_value(Reader& reader, Id<Tag>& out, UnknownMembers) {
    const auto id = reader.token() == Token::string ? Id<Tag>::parse(reader.text()) : std::nullopt;
    if (!id) return reader.fail("validation", "must be a lower-case UUID");
    out = *id;
    return true;
}

inline bool read_value(Reader& reader, Instant& out, UnknownMembers) {
    const auto value =
        reader.token() == Token::string ? parse_rfc3339(reader.text()) : std::nullopt;
    if (!value) return reader.fail("validation", "must be an RFC 3339 time in UTC");
    out = *value;
    return true;
}

inline bool read_value(Reader& reader, Currency& out, UnknownMembers) {
    const auto value =
        reader.token() == Token::string ? Currency::parse(reader.text()) : std::nullopt;
    if (!value) return reader.fail("validation", "must be an ISO 4217 code");
    out = *value;
    return true;
}

template <class E>
    requires std::is_enum_v<E>
bool read_value(Reader& reader, E& out, UnknownMembers) {
    bool known = false;
    if (reader.token() == Token::string) {
        mp11::mp_for_each<describe::describe_enumerators<E>>([&](auto enumerator) {
            if (reader.text() != enumerator.name) return;
            out = enumerator.value;
            known = true;
        });
    }
    if (known) return true;
    std::string names;
    mp11::mp_for_each<describe::describe_enumerators<E>>(
        [&](auto enumerator) { names.append(names.empty() ? "" : ", ").append(enumerator.name); });
    return reader.fail("validation", "must be one of: " + names);
}

template <class T>
    requires describe::has_describe_members<T>::value
bool read_value(Reader& reader, T& out, UnknownMembers unknown);

template <class T>
bool read_value(Reader& reader, std::optional<T>& out, UnknownMembers unknown) {
    return read_value(reader, out.emplace(), unknown);
}

template <class T>
bool read_value(Reader& reader, Nullable<T>& out, UnknownMembers unknown) {
    return reader.token() == Token::null || read_value(reader, out.emplace(), unknown);
}

// Arrays of enumerators are sets: each value at most once.
template <class T>
bool read_value(Reader& reader, std::vector<T>& out, UnknownMembers unknown) {
    if (reader.token() != Token::begin_array) return reader.fail("validation", "must be an array");
    out.clear();
    for (;;) {
        if (!reader.next()) return false;
        if (reader.token() == Token::end_array) return true;
        if (out.size() == 500) return reader.fail("json-limits", "too many elements");
        reader.enter(out.size());
        T element{};
        const Reader::Mark begin = reader.mark();
        bool good = read_value(reader, element, unknown);
        if constexpr (std::is_enum_v<T>) {
            for (const T& other : out) {
                if (good && other == element) good = reader.fail("validation", "stands twice");
            }
        }
        if (!good && !reader.go_past(begin)) return false;
        out.push_back(std::move(element));
        reader.leave();
    }
}

template <class S, class M>
bool within(Reader& reader, const Length<S, M>& limit, const S& value) {
    const auto check = [&](const std::string& text) {
        const std::size_t n = code_points(text);
        if (n >= limit.min && n <= limit.max) return true;
        return reader.fail("validation", "must have " + std::to_string(limit.min) + " to " +
                                             std::to_string(limit.max) + " characters");
    };
    if constexpr (IsOptional<M>::value) {
        return !(value.*limit.member) || check(*(value.*limit.member));
    } else {
        return check(value.*limit.member);
    }
}
template <class S>
bool within(Reader& reader, const Range<S>& limit, const S& value) {
    const std::int64_t n = value.*limit.member;
    if (n >= limit.min && n <= limit.max) return true;
    return reader.fail("validation", "must lie between " + std::to_string(limit.min) + " and " +
                                         std::to_string(limit.max));
}
template <class S, class E>
bool within(Reader& reader, const Count<S, E>& limit, const S& value) {
    const std::size_t n = (value.*limit.member).size();
    if (n >= limit.min && n <= limit.max) return true;
    return reader.fail("validation", "must have " + std::to_string(limit.min) + " to " +
                                         std::to_string(limit.max) + " elements");
}
template <class S>
bool within(Reader& reader, const Capitals<S>& limit, const S& value) {
    const std::string& text = value.*limit.member;
    bool good = text.size() == limit.length;
    for (const char c : text) good = good && c >= 'A' && c <= 'Z';
    return good || reader.fail("validation",
                               "must be " + std::to_string(limit.length) + " capital letters");
}

template <class S, std::size_t N>
bool within(Reader& reader, const OneOf<S, N>& limit, const S& value) {
    for (const std::string_view one : limit.values) {
        if (value.*limit.member == one) return true;
    }
    std::string values;
    for (const std::string_view one : limit.values) {
        values.append(values.empty() ? "" : ", ").append(one);
    }
    return reader.fail("validation", "must be one of: " + values);
}

// Checks `value` against those limits of T that are declared for the member at `pointer`.
template <class T, class Pointer>
bool check_limits(Reader& reader, const T& value, Pointer pointer) {
    return std::apply(
        [&](const auto&... limit) {
            [[maybe_unused]] const auto one = [&](const auto& l) {
                if constexpr (std::is_same_v<decltype(l.member), Pointer>) {
                    if (l.member == pointer) return within(reader, l, value);
                }
                return true;
            };
            return (one(limit) && ...);
        },
        kLimits<T>);
}

template <class T>
    requires describe::has_describe_members<T>::value
bool read_value(Reader& reader, T& out, UnknownMembers unknown) {
    constexpr std::size_t kCount = mp11::mp_size<Members<T>>::value;
    if (reader.token() != Token::begin_object) {
        return reader.fail("validation", "must be an object");
    }
    std::bitset<kCount> seen;
    for (;;) {
        if (!reader.next()) return false;
        if (reader.token() == Token::end_object) break;
        std::size_t index = 0;
        bool found = false;
        bool good = true;
        mp11::mp_for_each<Members<T>>([&](auto descriptor) {
            using D = decltype(descriptor);
            const std::size_t mine = index++;
            if (found || !good || reader.text() != kMemberName<D>.view()) return;
            found = true;
            reader.enter(kMemberName<D>.view());
            if (!reader.next()) {
                good = false;
                return;
            }
            const Reader::Mark begin = reader.mark();
            good = seen[mine] ? reader.fail("json-duplicate-key", "stands twice")
                              : read_value(reader, out.*D::pointer, unknown) &&
                                    check_limits(reader, out, D::pointer);
            seen.set(mine);
            good = good || reader.go_past(begin);
            if (good) reader.leave();
        });
        if (!good) return false;
        if (found) continue;
        const std::string_view name = reader.text();
        if (!reader.next()) return false;
        const Reader::Mark begin = reader.mark();
        const bool known = unknown == UnknownMembers::ignore ||
                           reader.fail("unknown-field", "no such member: " + std::string(name));
        if (known ? !reader.skip_value() : !reader.go_past(begin)) return false;
    }
    std::size_t index = 0;
    bool good = true;
    mp11::mp_for_each<Members<T>>([&](auto descriptor) {
        using D = decltype(descriptor);
        using M = std::remove_cvref_t<decltype(out.*D::pointer)>;
        const bool missing = !seen[index++] && !IsOptional<M>::value && !kMayLackMembers<T>;
        if (!missing || !good) return;
        const Reader::Mark end = reader.mark();
        reader.enter(kMemberName<D>.view());
        reader.fail("validation", "is required");
        good = reader.go_back(end);
    });
    return good;
}

// Appends to a std::string. RapidJSON's Writer requires a stream with these functions.
struct StringSink {
    using Ch = char;
    std::string& out;
    void Put(char c) { out.push_back(c); }
    void Flush() {}
};
using Writer = rapidjson::Writer<StringSink>;

inline void write_text(Writer& writer, std::string_view text) {
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

// Writes the name of a member. The caller writes its value next.
inline void write_name(Writer& writer, std::string_view name) {
    writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}

template <class T>
void write_value(Writer& writer, const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        writer.Bool(value);
    } else if constexpr (std::is_integral_v<T>) {
        writer.Int64(value);
    } else if constexpr (std::is_same_v<T, double>) {
        writer.Double(value);
    } else if constexpr (std::is_enum_v<T>) {
        write_text(writer, describe::enum_to_string(value, ""));
    } else if constexpr (std::is_same_v<T, Instant>) {
        write_text(writer, to_rfc3339(value));
    } else if constexpr (std::is_same_v<T, Currency>) {
        write_text(writer, value.text());
    } else if constexpr (IsId<T>::value) {
        write_text(writer, value.to_string());
    } else if constexpr (IsOptional<T>::value) {
        write_value(writer, *value);
    } else if constexpr (IsVector<T>::value) {
        writer.StartArray();
        for (const auto& element : value) write_value(writer, element);
        writer.EndArray();
    } else if constexpr (describe::has_describe_members<T>::value) {
        writer.StartObject();
        mp11::mp_for_each<Members<T>>([&](auto descriptor) {
            using D = decltype(descriptor);
            const auto& member = value.*D::pointer;
            if constexpr (IsOptional<std::remove_cvref_t<decltype(member)>>::value) {
                if (!member) return;
            }
            constexpr auto name = kMemberName<D>.view();
            write_name(writer, name);
            write_value(writer, member);
        });
        writer.EndObject();
    } else {
        write_text(writer, value);
    }
}

template <class T>
void write_member(Writer& writer, std::string_view name, const T& value) {
    write_name(writer, name);
    write_value(writer, value);
}

// Reads one JSON document into a described struct; see `decode` in codec.hpp for the error codes.
// An optional member that is missing keeps the value that it has in `value`. Reading ends at the
// first fault.
template <class T>
Result<T> read_json(std::string_view text, UnknownMembers unknown, T value = {}) {
    Reader reader(text);
    if (reader.next() && read_value(reader, value, unknown)) return value;
    return reader.errors().front();
}

inline constexpr std::size_t kMostFaults = 20;

// Reads a client's request and reports all its faults together, unknown members among them, but at
// most kMostFaults. The faults are in the order of the document; the missing members of an object
// come at its end. A text that is not JSON has only that one fault.
template <class T>
Validated<T> read_request(std::string_view text) {
    T value{};
    Reader reader(text, kMostFaults);
    const bool complete = reader.next() && read_value(reader, value, UnknownMembers::refuse);
    if (complete && reader.errors().empty()) return value;
    return reader.errors();
}

// Appends the JSON text of a described struct to `out`. Empty optionals are left out.
template <class T>
void write_json(const T& value, std::string& out) {
    StringSink sink{out};
    Writer writer(sink);
    write_value(writer, value);
}

template <class T>
std::string to_json(const T& value) {
    std::string out;
    write_json(value, out);
    return out;
}

}  // namespace orderflow::json
