#include "service/requests.hpp"

#include <algorithm>

#include "http/problem.hpp"

namespace orderflow::service {

using outbox::Fate;

namespace {

constexpr std::size_t kMinKey = 8, kMaxKey = 128;

}  // namespace

Result<std::string> idempotency_key(const http::Request& request) {
    const std::size_t count = request.headers.count("Idempotency-Key");
    if (count == 0) return std::string();
    const std::string_view key = request.header("Idempotency-Key");
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    if (count > 1 || key.size() < kMinKey || key.size() > kMaxKey ||
        !std::ranges::all_of(key, printable)) {
        return Error{"idempotency-key",
                     "Idempotency-Key must be one value of 8 to 128 printable ASCII characters"};
    }
    return std::string(key);
}

std::optional<http::Response> refusal(Fate fate) {
    switch (fate) {
        case Fate::done: return std::nullopt;
        case Fate::unknown:
            return http::problem_unavailable(
                "It is unknown whether the request was carried out. Send it again: with the same "
                "Idempotency-Key it is carried out only once.");
        case Fate::full:
            return http::problem_unavailable(
                "Too many requests are waiting, or the service has just started. This request was "
                "not carried out.");
        case Fate::mismatch:
            return http::problem(422, "idempotency-mismatch", "The key was used before",
                                 "This Idempotency-Key belongs to another request.");
        case Fate::failed:
            return http::problem_internal(
                "The request could not be carried out. Nothing was changed.");
        case Fate::busy: {
            http::Response response =
                http::problem(409, "idempotency-in-progress", "The first request is in progress",
                              "A request with this Idempotency-Key has not been answered yet.");
            response.headers.emplace_back("Retry-After", "1");
            return response;
        }
    }
    return std::nullopt;
}

}  // namespace orderflow::service
