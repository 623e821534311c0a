#pragma once
// Instants: UTC, in microseconds, which is the resolution of PostgreSQL's timestamptz. Rules never
// read a clock; their callers pass `now`. Pure values, any thread.
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace orderflow {

using Instant = std::chrono::sys_time<std::chrono::microseconds>;

Instant system_now();

// RFC 3339 in UTC with six fraction digits: 2026-01-02T03:04:05.123456Z.
std::string to_rfc3339(Instant instant);

// Accepts RFC 3339 in UTC (`Z` only) with zero to six fraction digits; anything else is nullopt.
std::optional<Instant> parse_rfc3339(std::string_view text);

}  // namespace orderflow
