#pragma once
// Writes the text of answers, and reads Accept and Content-Type. Inside libs/http only; any thread,
// except HttpDate.

#include <array>
#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

#include "http/request.hpp"

namespace orderflow::http {

// The value of the field Date, written once a second. One thread.
class HttpDate {
public:
    std::string_view now();

private:
    std::time_t second_ = -1;
    std::array<char, 64> text_{};
    std::size_t size_ = 0;
};

// False if a header field of a handler has a control character, with which it could break out of
// its line.
bool fit_for_header(const Response& response);

// 1xx, 204 and 304 have no body (RFC 9110 §6.4.1).
bool may_have_body(int status);

// Replaces `out` by the status line and the header fields. `connection` is the value of the field
// of that name; empty: no such field.
void write_head(std::string& out, const Response& response, std::string_view date,
                std::string_view connection);

// Whether the request's Accept fields allow an answer of `type` (RFC 9110 §12.5.1). The most
// specific range that fits decides: its weight must be above 0. Without any range, because there is
// no such field or its list is empty, every type is allowed.
bool accepts(const Headers& headers, std::string_view type);

// Whether a Content-Type is `wanted`. A JSON body is UTF-8 by definition (RFC 8259), so any other
// charset is an error.
bool acceptable_media_type(std::string_view sent, std::string_view wanted);

// Removes the next item and the separator after it from a field's list. Returns the item without
// blanks around it. A separator in a quoted string does not count. The item may be empty: "a,,b".
std::string_view take_item(std::string_view& rest, char separator);

}  // namespace orderflow::http
