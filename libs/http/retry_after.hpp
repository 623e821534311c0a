#pragma once
// Reads from an answer when the request may be sent again. Used by clients that repeat requests:
// payment's calls to its gateway, analytics' calls to its collector. Pure, any thread.
#include <chrono>

#include "http/request.hpp"

namespace orderflow::http {

// The Retry-After field (RFC 9110 §10.2.3), a number of seconds or a date, limited to five minutes;
// 0 if there is none. A date is compared with the answer's own Date, because the server's clock may
// differ from this one.
std::chrono::seconds retry_after(const Headers& headers);

}  // namespace orderflow::http
