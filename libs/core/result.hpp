#pragma once
// Result<T>: how bad input is reported. A business "no" is an event, broken infrastructure is an
// exception; neither uses this type. Used everywhere, on any thread.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/system/result.hpp>

namespace orderflow {

// `code` is stable and meant for programs ("out-of-range"), `detail` is meant for people,
// `pointer` is the JSON Pointer (RFC 6901) of the offending value, empty for the whole input.
struct Error {
    std::string code;
    std::string detail;
    std::string pointer{};
};

// Called by Result<T>::value() if the result is an error, although the caller asserted a success.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
    throw std::runtime_error(error.code + ": " + error.detail);
}

template <class T>
using Result = boost::system::result<T, Error>;

// All faults of an input, for callers that report more than the first one. Never empty.
using Faults = std::vector<Error>;

[[noreturn]] inline void throw_exception_from_error(const Faults& faults,
                                                    const boost::source_location& where) {
    throw_exception_from_error(faults.front(), where);
}

template <class T>
using Validated = boost::system::result<T, Faults>;

}  // namespace orderflow
