#pragma once
// What an answer says of when to ask again. Used by whoever repeats requests: payment's calls to
// its gateway, analytics' to its collector. Pure, any thread.
#include <chrono>

#include "http/request.hpp"

namespace orderflow::http {

// Retry-After (RFC 9110 §10.2.3), a number of seconds or a date, from 0 to five minutes; 0 where
// there is none. A date counts from the answer's own Date, since the server's clock may differ from
// ours.
std::chrono::seconds retry_after(const Headers& headers);

}  // namespace orderflow::http
