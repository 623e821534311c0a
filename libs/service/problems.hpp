#pragma once
// Input errors as problem details, the same in all services. A request that cannot be read is 400,
// with the reader's code as type; a broken rule of the schema is 422, with the JSON Pointer of the
// value. All faults are listed; a fault that makes the request unreadable decides about the answer.
// Any thread.
#include <algorithm>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "http/problem.hpp"

namespace orderflow::service {

inline http::Response bad_input(const Faults& faults) {
    const auto breaks_rule = [](const Error& fault) { return fault.code == "validation"; };
    const auto unreadable = std::ranges::find_if_not(faults, breaks_rule);
    const Error& worst = unreadable == faults.end() ? faults.front() : *unreadable;
    std::string detail = worst.pointer.empty() ? worst.detail : worst.pointer + ": " + worst.detail;
    std::vector<http::FieldError> errors;
    if (faults.size() > 1) {
        detail += "; errors lists all " + std::to_string(faults.size()) + " faults";
    }
    // A pointer can name only a place in the body; a fault of the whole request, or outside the
    // body, has none.
    if (faults.size() > 1 || breaks_rule(worst) || !worst.pointer.empty()) {
        for (const Error& fault : faults) {
            errors.push_back({fault.pointer, fault.code, fault.detail});
        }
    }
    return breaks_rule(worst)
               ? http::problem(422, "validation", "The request breaks a rule", detail, errors)
               : http::problem(400, worst.code, "The request cannot be read", detail, errors);
}

inline http::Response bad_input(const Error& error) { return bad_input(Faults{error}); }

}  // namespace orderflow::service
