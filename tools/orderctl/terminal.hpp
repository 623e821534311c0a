#pragma once
// Text for a terminal: aligned tables, durations, and what a terminal may be shown. All that the
// commands print goes through here (a test says so), because most of it came from elsewhere:
// records, rows, answers. Where standard output is no terminal nothing is cut and nothing is
// coloured. One thread.
#include <chrono>
#include <concepts>
#include <cstddef>
#include <stdexcept>
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

// Filled up with blanks to so many characters.
std::string padded(std::string text, std::size_t columns);

// Columns of standard output; 0 where it is no terminal: any width.
std::size_t terminal_width();

// Text from elsewhere as one line that does nothing to a terminal: white space as blanks; U+FFFD
// for what is not UTF-8 and for characters that steer (escapes and other controls, the direction
// of writing).
std::string shown(std::string_view text);

// Text of our own, with what steers a terminal.
struct Painted {
    std::string text;
};
// `shown`, in bold or in red where standard output is a terminal and NO_COLOR is not set.
Painted bold(std::string_view text);
Painted red(std::string_view text);

// Parts of what is printed, behind each other: literals are our own, strings are `shown`.
inline void append(std::string& out, const char* own) { out += own; }
inline void append(std::string& out, const Painted& own) { out += own.text; }
inline void append(std::string& out, std::string_view foreign) { out += shown(foreign); }
void append(std::string& out, std::integral auto number) { out += std::to_string(number); }

// Standard output did not take what was said: a command that nobody could hear has not done its
// work. `closed`: nobody wants to hear more (`| head -1`); that is no news to anybody.
struct OutputError : std::runtime_error {
    explicit OutputError(int error);
    bool closed;
};

// To standard output, as it is: JSON, and what has been made by the functions above. Buffered.
// Throws OutputError, here or later.
void print_raw(std::string_view text);
// All of it is there now. Throws OutputError.
void flush_output();

// say("order ", id, ": ", bold(state), ", ", total, "\n")
template <class... Parts>
void say(const Parts&... parts) {
    std::string out;
    (append(out, parts), ...);
    print_raw(out);
}

enum class Align { left, right };

// Rows below titles, each column as wide as its widest cell, everything as it is `shown`. The last
// column is cut where the terminal ends.
class Table {
public:
    struct Column {
        std::string title;
        Align align = Align::left;
    };
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // As many cells as there are columns.
    void add(std::vector<std::string> cells);
    // A line of its own below the row that was added last, indented.
    void remark(std::string_view text) { rows_.back().remarks.push_back(shown(text)); }

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
