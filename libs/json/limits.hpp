#pragma once
// The bounds of a struct's fields, declared as data; the codec (json/json.hpp) enforces them. Used
// beside the structs, as in events/limits.hpp. Values, any thread.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace orderflow::json {

// The length of a string in characters (Unicode code points).
template <class Struct, class Member>
struct Length {
    Member Struct::* member;
    std::size_t min, max;
};

// An integer's inclusive bounds.
template <class Struct>
struct Range {
    std::int64_t Struct::* member;
    std::int64_t min, max;
};

// The number of elements in an array.
template <class Struct, class Element>
struct Count {
    std::vector<Element> Struct::* member;
    std::size_t min, max;
};

// A string of exactly `length` capital letters (country codes).
template <class Struct>
struct Capitals {
    std::string Struct::* member;
    std::size_t length;
};

// A string that must be one of a list. For strings in JSON that cannot be C++ enumerators, such as
// "order-service".
template <class Struct, std::size_t N>
struct OneOf {
    std::string Struct::* member;
    std::array<std::string_view, N> values;
};

template <class S, class M>
constexpr auto length(M S::* member, std::size_t min, std::size_t max) {
    return Length<S, M>{member, min, max};
}
template <class S>
constexpr auto range(std::int64_t S::* member, std::int64_t min, std::int64_t max) {
    return Range<S>{member, min, max};
}
template <class S, class E>
constexpr auto count(std::vector<E> S::* member, std::size_t min, std::size_t max) {
    return Count<S, E>{member, min, max};
}
template <class S>
constexpr auto capitals(std::string S::* member, std::size_t length) {
    return Capitals<S>{member, length};
}

template <class S, std::size_t N>
constexpr auto one_of(std::string S::* member, const std::array<std::string_view, N>& values) {
    return OneOf<S, N>{member, values};
}

// Specialised for each struct that has bounded fields. A struct without bounds keeps the empty
// tuple.
template <class T>
inline constexpr auto kLimits = std::tuple{};

// Specialised for structs whose members may all be missing in JSON, such as settings. A missing
// member keeps the value that it had.
template <class T>
inline constexpr bool kMayLackMembers = false;

}  // namespace orderflow::json
