#pragma once
// Finds out why a server refuses a connection. The error of a failed connect has only a text, in
// the language of the server; this function finds the code behind it. Used while a service starts.
// Blocks, but a stop ends it early.
#include <chrono>
#include <stop_token>
#include <string>

namespace orderflow::postgres {

// Tries once to connect. Returns the SQLSTATE with which the server refuses ("28P01": wrong
// password, "28000": no such role or no entry in pg_hba.conf, "3D000": no such database). Returns
// an empty string if the server does not refuse, or does not answer within `at_most`, or if a stop
// is requested.
std::string refusal(const std::string& url, const std::stop_token& stop,
                    std::chrono::milliseconds at_most = std::chrono::seconds{3});

}  // namespace orderflow::postgres
