#include "orderctl/terminal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include <sys/ioctl.h>
#include <unistd.h>

#include "events/announcements.hpp"

namespace orderflow::orderctl {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::size_t kLeastLast = 16;  // least width of the last column, in characters

std::string tenths(double value, const char* unit) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %s", value, unit);
    return text;
}

Painted painted(const char* code, std::string_view text) {
    static const bool colours = isatty(STDOUT_FILENO) && std::getenv("NO_COLOR") == nullptr;
    if (!colours) return {shown(text)};
    return {"\033[" + std::string(code) + "m" + shown(text) + "\033[0m"};
}

// Returns the first character of valid UTF-8, which must not be empty, and its size in bytes.
std::pair<char32_t, std::size_t> first_character(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t code = size == 1 ? lead : lead & (0xffu >> (size + 1));
    for (const char c : text.substr(1, size - 1)) {
        code = code << 6 | (static_cast<unsigned char>(c) & 0x3fu);
    }
    return {code, size};
}

bool is_white_space(char32_t c) { return c == '\t' || c == '\n' || c == '\r'; }

// Control characters (ECMA-48, in 7 and 8 bits), line and paragraph separators, and characters that
// change the direction of writing (UAX #9): with them, `cat` would show another line than the file
// contains.
bool steers(char32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void end_trimmed(std::string& out) {
    while (!out.empty() && out.back() == ' ') out.pop_back();
}

}  // namespace

std::string duration_text(std::chrono::milliseconds duration) {
    const auto ms = std::max<std::int64_t>(0, duration.count());
    const auto pair = [](std::int64_t big, const char* unit, std::int64_t small,
                         const char* smaller) {
        std::string text = std::to_string(big) + " " + unit;
        if (small > 0) text += " " + std::to_string(small) + " " + smaller;
        return text;
    };
    const std::int64_t s = ms / 1'000;
    if (ms < 1'000) return std::to_string(ms) + " ms";
    if (s < 60) return tenths(static_cast<double>(ms) / 1e3, "s");
    if (s < 3'600) return pair(s / 60, "min", s % 60, "s");
    if (s < 86'400) return pair(s / 3'600, "h", s % 3'600 / 60, "min");
    return pair(s / 86'400, "d", s % 86'400 / 3'600, "h");
}

std::string latency_text(std::chrono::microseconds latency) {
    const double us = static_cast<double>(latency.count());
    const std::string sign = us < 0 ? "" : "+";
    if (us < 1e6) return sign + tenths(us / 1e3, "ms");
    if (us < 60e6) return sign + tenths(us / 1e6, "s");
    return sign + duration_text(std::chrono::duration_cast<std::chrono::milliseconds>(latency));
}

std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string cut(const std::string& text, std::size_t columns) {
    if (columns_of(text) <= columns) return text;
    if (columns == 0) return {};
    std::size_t at = 0;
    for (std::size_t taken = 0; at < text.size(); ++at) {
        if ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) continue;
        if (++taken == columns) break;
    }
    return text.substr(0, at) + "…";
}

std::string padded(std::string text, std::size_t columns) {
    text.append(columns - std::min(columns, columns_of(text)), ' ');
    return text;
}

std::size_t terminal_width() {
    winsize size{};
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

std::string shown(std::string_view text) {
    const std::string valid = events::printable(text, std::string::npos);
    std::string out;
    for (std::string_view rest = valid; !rest.empty();) {
        const auto [character, size] = first_character(rest);
        if (is_white_space(character)) {
            out += ' ';
        } else if (steers(character)) {
            out += "\xef\xbf\xbd";  // U+FFFD
        } else {
            out += rest.substr(0, size);
        }
        rest.remove_prefix(size);
    }
    return out;
}

Painted bold(std::string_view text) { return painted("1", text); }
Painted red(std::string_view text) { return painted("31", text); }

OutputError::OutputError(int error)
    : std::runtime_error("cannot write to standard output: " +
                         std::generic_category().message(error)),
      closed(error == EPIPE) {}

void print_raw(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) throw OutputError(errno);
}

void flush_output() {
    if (std::fflush(stdout) != 0) throw OutputError(errno);
}

void Table::add(std::vector<std::string> cells) {
    for (std::string& cell : cells) cell = shown(cell);
    rows_.push_back({std::move(cells), {}});
}

std::string Table::line(const std::vector<std::string>& cells,
                        const std::vector<std::size_t>& widths, std::size_t width) const {
    std::string out;
    std::size_t used = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const bool last = i + 1 == columns_.size();
        std::string cell = cells[i];
        if (last && width > 0) {
            cell = cut(cell, std::max(kLeastLast, width > used ? width - used : 0));
        }
        const std::string pad(widths[i] - std::min(widths[i], columns_of(cell)), ' ');
        out += columns_[i].align == Align::right ? pad + cell : cell + pad;
        if (!last) out += kGap;
        used += widths[i] + kGap.size();
    }
    end_trimmed(out);
    return out + "\n";
}

std::string Table::text(std::size_t width) const {
    std::vector<std::string> titles;
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        titles.push_back(columns_[i].title);
        std::size_t widest = columns_of(columns_[i].title);
        for (const Row& row : rows_) widest = std::max(widest, columns_of(row.cells[i]));
        widths.push_back(widest);
    }
    std::string out = line(titles, widths, width);
    for (const Row& row : rows_) {
        out += line(row.cells, widths, width);
        for (const std::string& remark : row.remarks) out += "    " + remark + "\n";
    }
    return out;
}

void Table::print() const {
    const std::string all = text(terminal_width());
    const auto titles = all.find('\n');
    say(bold(all.substr(0, titles)));
    print_raw(all.substr(titles));
}

}  // namespace orderflow::orderctl
