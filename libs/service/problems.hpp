#pragma once
// Input errors as problem details, the same in all services: what cannot be read is 400 and named
// by the reader's code, what breaks a rule of the schema is 422 with the JSON Pointer of the value.
#include <string>

#include "core/result.hpp"
#include "http/problem.hpp"

namespace orderflow::service {

inline http::Response bad_input(const Error& error) {
    const std::string where = error.pointer.empty() ? "" : error.pointer + ": ";
    if (error.code == "validation") {
        return http::problem(422, "validation", "The request breaks a rule", where + error.detail,
                             {{error.pointer, error.code, error.detail}});
    }
    std::vector<http::FieldError> errors;
    if (!error.pointer.empty()) errors.push_back({error.pointer, error.code, error.detail});
    return http::problem(400, error.code, "The request cannot be read", where + error.detail,
                         errors);
}

}  // namespace orderflow::service
