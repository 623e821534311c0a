#pragma once
// Described enums (Boost.Describe) and their names, which are the strings on the wire and in the
// tables. Pure, any thread.
#include <stdexcept>
#include <string>
#include <string_view>

#include <boost/describe.hpp>

namespace orderflow {

template <class Enum>
std::string_view name_of(Enum value) {
    return boost::describe::enum_to_string(value, "");
}

// For text that this system wrote itself. Throws std::logic_error if no enumerator has this name.
template <class Enum>
Enum enum_of(std::string_view name) {
    Enum value{};
    if (!boost::describe::enum_from_string(std::string(name).c_str(), value)) {
        throw std::logic_error("unknown value: " + std::string(name));
    }
    return value;
}

}  // namespace orderflow
