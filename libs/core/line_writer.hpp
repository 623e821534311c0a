#pragma once
// Writes lines to a file descriptor: the log, the "ready" line. The reader may be slow or absent;
// the caller of write() never blocks. Used by every service, the sandbox and orderctl. Any thread.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace orderflow {

class LineWriter {
public:
    // Returns the line that reports how many lines were lost, with its newline.
    using LostLine = std::function<std::string(std::uint64_t lost)>;

    // At most `most_bytes` wait for the reader. If there are more, the oldest lines are dropped and
    // counted. All lines are dropped and counted if the reader has gone. As soon as the reader
    // takes lines again, it gets `lost_line` before them.
    explicit LineWriter(int descriptor, LostLine lost_line = {}, std::size_t most_bytes = 1 << 20);
    // Waits up to a second until the remaining lines are written.
    ~LineWriter();
    LineWriter(const LineWriter&) = delete;
    LineWriter& operator=(const LineWriter&) = delete;

    // `line` includes its newline.
    void write(std::string line);

    // Waits until all lines are written. False: that took longer than `at_most`.
    bool flush(std::chrono::milliseconds at_most);

    std::uint64_t lost() const;

private:
    struct State;
    // Shared with the thread, which is detached: a write that blocks cannot keep the process from
    // ending.
    const std::shared_ptr<State> state_;
};

// Call it at the start of a program. From then on standard input, output and error are open; a
// closed one is opened on /dev/null. Otherwise the next socket could get the number of one of them,
// and the log would be written into that socket.
void keep_standard_streams();

// Call it at the start of a program that serves clients. Then a write to a pipe without a reader
// fails with an error; without this call the signal SIGPIPE would end the process.
void ignore_closed_pipes();

}  // namespace orderflow
