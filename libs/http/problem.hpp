#pragma once
// The error answers of every HTTP interface: RFC 9457 `application/problem+json`. Used by the
// server and by the services' *_api files; pure, any thread.

#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"

namespace orderflow::http {

struct FieldError {
    std::string pointer;  // JSON pointer into the request body, "/items/0/quantity"
    std::string code;     // stable, for programs: "range"
    std::string detail;   // for people
};

// `type_suffix` names the kind of problem for programs and never changes: the type in the answer is
// "/problems/<type_suffix>". `detail` explains what to do about the problem, and contains nothing
// internal.
Response problem(int status, std::string_view type_suffix, std::string_view title,
                 std::string_view detail, const std::vector<FieldError>& errors = {});

// 500.
Response problem_internal(std::string_view detail);

// 503 with Retry-After.
Response problem_unavailable(std::string_view detail, unsigned retry_after_s = 1);

}  // namespace orderflow::http
