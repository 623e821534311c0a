#pragma once
// Text for a terminal: aligned tables, durations, and what a terminal can show. Where standard
// output is no terminal nothing is cut and nothing is coloured. Pure but for what it asks of
// standard output. One thread.
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace orderflow::orderctl {

// "850 ms", "12.3 s", "2 min 3 s", "3 h 12 min", "2 d 4 h".
std::string duration_text(std::chrono::milliseconds duration);

// "+0.4 ms", "+12.3 ms", "+1.2 s": between two events.
std::string latency_text(std::chrono::microseconds latency);

// Characters that a UTF-8 text takes on a line.
std::size_t columns_of(std::string_view text);

// What fits into so many characters, with an ellipsis where something is missing.
std::string cut(const std::string& text, std::size_t columns);

// Columns of standard output; 0 where it is no terminal: any width.
std::size_t terminal_width();

// In bold, or in red, where standard output is a terminal and NO_COLOR is not set.
std::string bold(const std::string& text);
std::string red(const std::string& text);

enum class Align { left, right };

// Rows below titles, each column as wide as its widest cell. The last column is cut where the
// terminal ends.
class Table {
public:
    struct Column {
        std::string title;
        Align align = Align::left;
    };
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // As many cells as there are columns.
    void add(std::vector<std::string> cells) { rows_.push_back({std::move(cells), {}}); }
    // A line of its own below the row that was added last, indented.
    void remark(std::string text) { rows_.back().remarks.push_back(std::move(text)); }

    bool empty() const { return rows_.empty(); }
    // `width` 0: any. Without colours, which `print` adds.
    std::string text(std::size_t width) const;
    void print() const;

private:
    struct Row {
        std::vector<std::string> cells;
        std::vector<std::string> remarks;
    };
    std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                     std::size_t width) const;

    std::vector<Column> columns_;
    std::vector<Row> rows_;
};

}  // namespace orderflow::orderctl
