#pragma once
// The request that an HTTP handler receives and the response that it returns: plain values, no
// networking. Used by every service's `*_api` file and by its tests, which build requests by hand.

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace orderflow::http {

// Compares as HTTP compares field names: ASCII letters without case.
bool equals_ignoring_case(std::string_view a, std::string_view b);

// Decodes %XX. nullopt: an escape is broken or means NUL, or the result is not UTF-8.
// `plus_is_space`: + means a space, which is a rule of query strings and not of paths.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// Encodes as %XX all bytes except ASCII letters, ASCII digits and -_.~, so that the text fits into
// one segment of a path or into a value of a query.
std::string percent_encode(std::string_view text);

// Header fields in the order received. They share one block of memory, because every request has
// some.
class Headers {
public:
    void add(std::string_view name, std::string_view value);
    void clear();

    // The value of the first field with that name; empty if there is none.
    std::string_view find(std::string_view name) const;
    // How often the name occurs. For example, a request with two Idempotency-Key fields is refused.
    std::size_t count(std::string_view name) const;

    std::size_t size() const { return fields_.size(); }
    std::pair<std::string_view, std::string_view> operator[](std::size_t i) const;

private:
    struct Field {
        std::uint32_t at;
        std::uint32_t name_size;
        std::uint32_t value_size;
    };
    std::string text_;
    std::vector<Field> fields_;
};

struct Request {
    std::string method;  // as sent; but a handler gets GET in place of HEAD
    std::string path;    // as sent, still percent-encoded, without the query
    std::string query;   // as sent, without '?'
    std::vector<std::pair<std::string, std::string>> params;  // path variables, decoded
    Headers headers;
    std::string body;
    std::string traceparent;  // W3C Trace Context, version 00; empty unless there is exactly one

    // The value of a path variable of the route's pattern. Throws std::out_of_range if the pattern
    // has no such variable.
    const std::string& param(std::string_view name) const;
    // The first query parameter with that name, decoded; nullopt if it is absent or broken.
    std::optional<std::string> query_param(std::string_view name) const;
    // The parameters of the query, decoded. Error "query" for a broken escape, for a name that is
    // not among `allowed`, and for a name that occurs twice.
    using Query = std::map<std::string, std::string, std::less<>>;
    Result<Query> query_params(std::initializer_list<std::string_view> allowed) const;
    std::string_view header(std::string_view name) const { return headers.find(name); }
};

struct Response {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    // All fields except Content-Type, Content-Length, Connection and Date, which the server writes.
    std::vector<std::pair<std::string, std::string>> headers = {};
    // True: nothing of this response is sent and the connection is closed. For servers that
    // misbehave on purpose.
    bool hang_up = false;
};

Response json_response(int status, std::string body);

}  // namespace orderflow::http
