#include "orderctl/terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace orderflow::orderctl {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::size_t kLeastLast = 16;  // characters of the last column, however narrow it gets

std::string tenths(double value, const char* unit) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %s", value, unit);
    return text;
}

std::string painted(const char* code, const std::string& text) {
    static const bool colours = isatty(STDOUT_FILENO) && std::getenv("NO_COLOR") == nullptr;
    return colours ? "\033[" + std::string(code) + "m" + text + "\033[0m" : text;
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

std::size_t terminal_width() {
    winsize size{};
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

std::string bold(const std::string& text) { return painted("1", text); }
std::string red(const std::string& text) { return painted("31", text); }

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
    std::printf("%s%s", bold(all.substr(0, titles)).c_str(), all.substr(titles).c_str());
}

}  // namespace orderflow::orderctl
