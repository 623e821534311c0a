#pragma once
// W3C Trace Context (level 1): the one header that ties an order's HTTP call to all its events.
#include <string_view>

namespace orderflow {

// version 00: 00-<32 hex>-<16 hex>-<2 hex>, lower case, ids not all zero. Anything else is dropped
// where it comes in, so what is stored needs no escaping.
constexpr bool valid_traceparent(std::string_view text) {
    if (text.size() != 55 || !text.starts_with("00-") || text[35] != '-' || text[52] != '-') {
        return false;
    }
    bool trace = false;
    bool span = false;
    for (std::size_t i = 3; i < text.size(); ++i) {
        const char c = text[i];
        if (i == 35 || i == 52) continue;
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
        if (i < 35) trace = trace || c != '0';
        if (i > 35 && i < 52) span = span || c != '0';
    }
    return trace && span;
}

}  // namespace orderflow
