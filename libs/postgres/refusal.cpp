#include "postgres/refusal.hpp"

#include <memory>
#include <regex>

#include <libpq-fe.h>
#include <poll.h>

namespace orderflow::postgres {
namespace {

constexpr int kLookMs = 100;  // a stop is noticed at most this late

struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};

// Finds the code in "connection to server at … failed: FATAL:  28P01". The word before the code may
// be in any language.
std::string code_in(const std::string& message) {
    static const std::regex kCode(R"(:\s+([0-9A-Z]{5})\s*$)");
    std::smatch found;
    return std::regex_search(message, found, kCode) ? found[1].str() : std::string();
}

}  // namespace

std::string refusal(const std::string& url, const std::stop_token& stop,
                    std::chrono::milliseconds at_most) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + at_most;
    const std::unique_ptr<PGconn, Finish> connection(PQconnectStart(url.c_str()));
    if (!connection || PQstatus(connection.get()) == CONNECTION_BAD) return {};
    PQsetErrorVerbosity(connection.get(), PQERRORS_SQLSTATE);
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
    while (wants == PGRES_POLLING_WRITING || wants == PGRES_POLLING_READING) {
        if (stop.stop_requested() || Clock::now() >= end) return {};
        const short events = wants == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        pollfd ready{PQsocket(connection.get()), events, 0};
        if (::poll(&ready, 1, kLookMs) > 0) wants = PQconnectPoll(connection.get());
    }
    return wants == PGRES_POLLING_FAILED ? code_in(PQerrorMessage(connection.get()))
                                         : std::string();
}

}  // namespace orderflow::postgres
