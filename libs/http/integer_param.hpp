#pragma once
// A query parameter that is an integer within limits. Used by the services' `*_api` files. Pure
// values, any thread.
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "http/request.hpp"

namespace orderflow::http {

struct IntegerParam {
    std::string_view name;
    std::int64_t min;
    std::int64_t max;
    std::int64_t otherwise;  // the value if it is absent

    Result<std::int64_t> in(const Request::Query& query) const {
        const auto found = query.find(name);
        if (found == query.end()) return otherwise;
        const char* end = found->second.data() + found->second.size();
        std::int64_t value = 0;
        const auto [stop, error] = std::from_chars(found->second.data(), end, value);
        if (error == std::errc{} && stop == end && value >= min && value <= max) return value;
        return Error{"query", std::string(name) + ": an integer from " + std::to_string(min) +
                                  " to " + std::to_string(max)};
    }

    // For a route that has no other query parameter.
    Result<std::int64_t> alone_in(const Request& request) const {
        const auto query = request.query_params({name});
        if (!query) return query.error();
        return in(*query);
    }
};

}  // namespace orderflow::http
