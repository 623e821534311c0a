#pragma once
// W3C Trace Context (level 1): the one header that ties an order's HTTP call to all its events.
// Pure, any thread.
#include <algorithm>
#include <string>
#include <string_view>

namespace orderflow {

// A traceparent as this system keeps it and sends it on, in version 00:
// 00-<32 hex>-<16 hex>-<2 hex>. Empty if `text` is none: that is dropped where it comes in, so what
// is stored needs no escaping. Of a higher version (ff is none) it is what version 00 knows; more
// may follow behind another dash. Of the flags only `sampled` has a meaning; the others become 0.
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
