#include "http/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"

namespace orderflow::http {
namespace {

using std::chrono::seconds;

constexpr seconds kLongestRetryAfter{300};

// A date in one of the three forms of RFC 9110 §5.6.7, two of which are obsolete.
std::optional<seconds> parse_date(std::string_view text) {
    for (const char* form :
         {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
        std::tm date{};
        const std::string whole(text);
        const char* end = ::strptime(whole.c_str(), form, &date);
        if (end && *end == '\0') return seconds{::timegm(&date)};
    }
    return std::nullopt;
}

}  // namespace

seconds retry_after(const Headers& headers) {
    const std::string_view text = headers.find("retry-after");
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const bool digits = !text.empty() && end == text.data() + text.size();
    if (digits && error == std::errc::result_out_of_range) return kLongestRetryAfter;
    if (!digits || error != std::errc{}) {
        const auto until = parse_date(text);
        const auto since = parse_date(headers.find("date"));
        if (!until) return seconds{0};
        count =
            (*until - since.value_or(std::chrono::floor<seconds>(system_now().time_since_epoch())))
                .count();
    }
    return std::clamp(seconds{count}, seconds{0}, kLongestRetryAfter);
}

}  // namespace orderflow::http
