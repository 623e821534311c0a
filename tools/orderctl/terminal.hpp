#pragma once
// Text for a terminal: aligned tables, durations, and the characters that are safe to print.
// Everything that the commands print goes through here (a test checks this), because most of it
// comes from elsewhere: records, rows, answers. If standard output is not a terminal, nothing is
// cut and nothing is coloured. One thread.
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

// "+0.4 ms", "+12.3 ms", "+1.2 s": the time between two events.
std::string latency_text(std::chrono::microseconds latency);

// Returns the number of characters that a UTF-8 text takes on a line.
std::size_t columns_of(std::string_view text);

// Returns as much as fits into `columns` characters, with an ellipsis if something is cut off.
std::string cut(const std::string& text, std::size_t columns);

// Returns the text filled up with blanks to `columns` characters.
std::string padded(std::string text, std::size_t columns);

// Returns the columns of standard output; 0 if it is not a terminal: then any width is fine.
std::size_t terminal_width();

// Returns text from elsewhere as one line that cannot control a terminal: white space becomes a
// blank; bytes that are not UTF-8 and control characters (escapes and others, the direction of
// writing) become U+FFFD.
std::string shown(std::string_view text);

// Our own text, which may contain control characters.
struct Painted {
    std::string text;
};
// Returns `shown(text)`, in bold or in red if standard output is a terminal and NO_COLOR is not
// set.
Painted bold(std::string_view text);
Painted red(std::string_view text);

// Append the parts of a printed line: literals are our own text, strings are passed through
// `shown`.
inline void append(std::string& out, const char* own) { out += own; }
inline void append(std::string& out, const Painted& own) { out += own.text; }
inline void append(std::string& out, std::string_view foreign) { out += shown(foreign); }
void append(std::string& out, std::integral auto number) { out += std::to_string(number); }

// Standard output did not accept the text: a command whose output is lost has not done its work.
// `closed`: the reader has closed the pipe (`| head -1`); this is not reported.
struct OutputError : std::runtime_error {
    explicit OutputError(int error);
    bool closed;
};

// Writes to standard output, unchanged: JSON, and text made by the functions above. Buffered.
// Throws OutputError, here or later.
void print_raw(std::string_view text);
// Writes out the buffer. Throws OutputError.
void flush_output();

// Example: say("order ", id, ": ", bold(state), ", ", total, "\n")
template <class... Parts>
void say(const Parts&... parts) {
    std::string out;
    (append(out, parts), ...);
    print_raw(out);
}

enum class Align { left, right };

// A table: rows below titles, each column as wide as its widest cell, every text passed through
// `shown`. The last column is cut at the width of the terminal.
class Table {
public:
    struct Column {
        std::string title;
        Align align = Align::left;
    };
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // Requires as many cells as there are columns.
    void add(std::vector<std::string> cells);
    // Adds an indented line below the row that was added last.
    void remark(std::string_view text) { rows_.back().remarks.push_back(shown(text)); }

    bool empty() const { return rows_.empty(); }
    // `width` 0: any. Without colours; `print` adds them.
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
