#pragma once
// Lines to a file descriptor that somebody else reads, or does not: a log, the "ready" line. The
// caller never blocks, whatever the reader does. Used by every service and the sandbox. Any thread.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace orderflow {

class LineWriter {
public:
    // The text of the line that reports lost lines, with its newline.
    using LostLine = std::function<std::string(std::uint64_t lost)>;

    // At most `most_bytes` wait for the reader. Beyond that the oldest lines are dropped and
    // counted, and so are all whose reader has gone; once the reader takes lines again, `lost_line`
    // comes before them.
    explicit LineWriter(int descriptor, LostLine lost_line = {}, std::size_t most_bytes = 1 << 20);
    // Waits up to a second for what is left.
    ~LineWriter();
    LineWriter(const LineWriter&) = delete;
    LineWriter& operator=(const LineWriter&) = delete;

    // `line` with its newline.
    void write(std::string line);

    // Waits until all of it is written; false: it was not in time.
    bool flush(std::chrono::milliseconds at_most);

    std::uint64_t lost() const;

private:
    struct State;
    // Shared with the thread, which is detached: a write that blocks holds up no process that ends.
    const std::shared_ptr<State> state_;
};

// For the start of a program: standard input, output and error are open from now on, if need be on
// /dev/null. Otherwise the next socket would get one of their numbers, and the log with it.
void keep_standard_streams();

// For the start of a program that serves: a pipe whose reader has gone is an error of the write, no
// end of the process (SIGPIPE).
void ignore_closed_pipes();

}  // namespace orderflow
