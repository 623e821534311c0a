#include "orderctl/proposals.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {
namespace {

bool is_plain(char c) {
    constexpr std::string_view kOthers = "_-./:=,@%+";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
}

// Returns $'…', with every byte that is not a plain character as \NNN. Always three octal digits,
// so that a digit after it is not read as a part of it.
std::string escaped(std::string_view text) {
    std::string out = "$'";
    for (const char c : text) {
        if (is_plain(c)) {
            out += c;
            continue;
        }
        std::array<char, 5> octal{};
        std::snprintf(octal.data(), octal.size(), "\\%03o", static_cast<unsigned char>(c));
        out += octal.data();
    }
    return out + "'";
}

}  // namespace

std::string shell_word(std::string_view text) {
    if (!text.empty() && std::ranges::all_of(text, is_plain)) return std::string(text);
    if (shown(text) != text) return escaped(text);
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

}  // namespace orderflow::orderctl
