#pragma once
// Why a server lets nobody in. The error of a connection that could not be made has only a text,
// in the server's language; this finds out the code behind it. Used while a service starts. Blocks,
// but for a stop.
#include <chrono>
#include <stop_token>
#include <string>

namespace orderflow::postgres {

// Tries once to connect: the SQLSTATE with which the server refuses ("28P01": wrong password,
// "28000": no such role or no entry in pg_hba.conf, "3D000": no such database); empty if it does
// not refuse, or does not answer within `at_most`, or a stop is asked for.
std::string refusal(const std::string& url, const std::stop_token& stop,
                    std::chrono::milliseconds at_most = std::chrono::seconds{3});

}  // namespace orderflow::postgres
