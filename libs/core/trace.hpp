#pragma once
// W3C Trace Context (level 1): the one header that connects the HTTP call of an order with all its
// events. Used by the HTTP session and the batch consumer. Pure, any thread.
#include <algorithm>
#include <string>
#include <string_view>

namespace orderflow {

// Returns a traceparent as this system stores and forwards it, in version 00:
// 00-<32 hex>-<16 hex>-<2 hex>.
// Returns an empty string if `text` is not a traceparent. So a bad value is dropped where it enters
// the system, and stored values need no escaping. From a higher version (ff is not a version) the
// function takes the part that version 00 defines; more may follow after another dash. Of the flags
// only `sampled` has a meaning; the others become 0.
inline std::string read_traceparent(std::string_view text) {
    constexpr std::size_t kSize = 55;
    const auto hex = [&](std::size_t at, std::size_t size) {
        const std::string_view part = text.substr(at, size);
        return std::ranges::all_of(
            part, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    };
    const auto zero = [&](std::size_t at, std::size_t size) {
        return text.substr(at, size).find_first_not_of('0') == std::string_view::npos;
    };
    if (text.size() < kSize || text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
    if (!hex(0, 2) || !hex(3, 32) || !hex(36, 16) || !hex(53, 2)) return {};
    if (zero(3, 32) || zero(36, 16) || text.starts_with("ff")) return {};
    if (text.size() > kSize && (text.starts_with("00") || text[kSize] != '-')) return {};
    const char last = text[kSize - 1];
    const bool sampled = (last <= '9' ? last - '0' : last - 'a' + 10) % 2 != 0;
    std::string kept(text.substr(0, kSize));
    kept.replace(0, 2, "00");
    kept.replace(kSize - 2, 2, sampled ? "01" : "00");
    return kept;
}

}  // namespace orderflow
