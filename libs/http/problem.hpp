#pragma once
// Error answers of every HTTP interface: RFC 9457 `application/problem+json`.

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

// `type_suffix` names the kind of problem for programs and never changes: the answer's type is
// "/problems/<type_suffix>". `detail` says what to do about it and holds nothing internal.
Response problem(int status, std::string_view type_suffix, std::string_view title,
                 std::string_view detail, const std::vector<FieldError>& errors = {});

// 503 with Retry-After.
Response problem_unavailable(std::string_view detail, unsigned retry_after_s = 1);

}  // namespace orderflow::http
