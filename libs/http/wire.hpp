#pragma once
// The text of answers, and what Content-Type says. Inside libs/http only.

#include <array>
#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

#include "http/request.hpp"

namespace orderflow::http {

// The value of Date, written once a second. One thread.
class HttpDate {
public:
    std::string_view now();

private:
    std::time_t second_ = -1;
    std::array<char, 64> text_{};
    std::size_t size_ = 0;
};

// False if a handler's header would break out of its line.
bool fit_for_header(const Response& response);

// 1xx, 204 and 304 have none (RFC 9110 §6.4.1).
bool may_have_body(int status);

// Replaces `out` by status line and header fields. `connection`: the field of that name, if any.
void write_head(std::string& out, const Response& response, std::string_view date,
                std::string_view connection);

// Whether the request's Accept fields admit an answer of `type` (RFC 9110 §12.5.1): the most
// specific range that fits decides, by a weight above 0. Without any range, be it that there is no
// such field or that its list is empty, anything is welcome.
bool accepts(const Headers& headers, std::string_view type);

// Whether a Content-Type is `wanted`. A JSON body is UTF-8 by definition (RFC 8259), so any other
// charset is a mistake.
bool acceptable_media_type(std::string_view sent, std::string_view wanted);

// The next item of a field's list: what stands before the separator, which is taken off as well,
// without blanks around it. A separator in a quoted string is none. May be empty: "a,,b".
std::string_view take_item(std::string_view& rest, char separator);

}  // namespace orderflow::http
