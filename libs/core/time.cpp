#include "core/time.hpp"

#include <cstdio>

namespace orderflow {
namespace {

using namespace std::chrono;

// Reads exactly `count` digits at `position`; -1 if one of the characters is not a digit.
int digits(std::string_view text, std::size_t position, std::size_t count) {
    int value = 0;
    for (std::size_t i = position; i < position + count; ++i) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

// The fraction of a second in microseconds; `text` is the part between '.' and 'Z'.
std::optional<microseconds> fraction(std::string_view text) {
    if (text.empty() || text.size() > 6) return std::nullopt;
    int value = digits(text, 0, text.size());
    if (value < 0) return std::nullopt;
    for (std::size_t i = text.size(); i < 6; ++i) value *= 10;
    return microseconds{value};
}

}  // namespace

Instant system_now() { return floor<microseconds>(system_clock::now()); }

std::string to_rfc3339(Instant instant) {
    const auto day = floor<days>(instant);
    const year_month_day date{day};
    const hh_mm_ss time{instant - day};
    char text[40];
    const int length = std::snprintf(
        text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
        static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
    return {text, static_cast<std::size_t>(length)};
}

std::optional<Instant> parse_rfc3339(std::string_view text) {
    if (text.size() < 20 || text.size() > 27 || text.back() != 'Z') return std::nullopt;
    if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
        return std::nullopt;
    }
    const int month_number = digits(text, 5, 2);
    const int day_number = digits(text, 8, 2);
    const year_month_day date{year{digits(text, 0, 4)}, month{static_cast<unsigned>(month_number)},
                              day{static_cast<unsigned>(day_number)}};
    const int hour = digits(text, 11, 2);
    const int minute = digits(text, 14, 2);
    const int second = digits(text, 17, 2);
    if (digits(text, 0, 4) < 0 || month_number < 0 || day_number < 0 || !date.ok()) {
        return std::nullopt;
    }
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
        return std::nullopt;
    }
    microseconds subsecond{0};
    if (text.size() > 20) {
        if (text[19] != '.') return std::nullopt;
        const auto parsed = fraction(text.substr(20, text.size() - 21));
        if (!parsed) return std::nullopt;
        subsecond = *parsed;
    }
    return Instant{sys_days{date}.time_since_epoch() + hours{hour} + minutes{minute} +
                   seconds{second} + subsecond};
}

}  // namespace orderflow
