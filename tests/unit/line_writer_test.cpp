// A log whose reader has gone, does not read, or reads slowly: who writes is not held up.

#include <chrono>
#include <sstream>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "core/line_writer.hpp"
#include "support/eventually.hpp"

namespace orderflow::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

struct Pipe {
    Pipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        read_end = ends[0];
        write_end = ends[1];
    }
    ~Pipe() {
        close_reader();
        ::close(write_end);
    }
    void close_reader() {
        if (const int fd = std::exchange(read_end, -1); fd >= 0) ::close(fd);
    }
    // Up to the end of the line that holds `last`.
    std::string read_to(const std::string& last) const {
        std::string text;
        char buffer[4096];
        while (text.find(last) == std::string::npos) {
            const ssize_t n = ::read(read_end, buffer, sizeof buffer);
            if (n <= 0) break;
            text.append(buffer, static_cast<std::size_t>(n));
        }
        return text;
    }

    int read_end = -1;
    int write_end = -1;
};

std::string line_of(int i) {
    return "line " + std::to_string(i) + " " + std::string(90, '.') + "\n";
}

std::string lost_line(std::uint64_t lost) { return std::to_string(lost) + " lost\n"; }

// What all of the lines "N lost" say together: on a busy machine there may be more than one.
std::uint64_t reported_lost(const std::string& read) {
    std::uint64_t sum = 0;
    std::istringstream lines(read);
    for (std::string line; std::getline(lines, line);) {
        if (line.ends_with(" lost")) sum += std::stoull(line);
    }
    return sum;
}

}  // namespace

TEST_CASE("lines: they come in order, and all are there after a flush") {
    Pipe pipe;
    LineWriter writer(pipe.write_end);
    std::string all;
    for (int i = 0; i < 100; ++i) {
        writer.write(line_of(i));
        all += line_of(i);
    }
    CHECK(writer.flush(10s));
    CHECK(pipe.read_to("line 99") == all);
    CHECK(writer.lost() == 0);
}

TEST_CASE("lines: nobody reads: the writer goes on, the oldest are dropped, counted and reported") {
    Pipe pipe;
    constexpr int kLines = 20'000;  // 2 MB
    LineWriter writer(pipe.write_end, &lost_line, 100'000);
    const auto begun = steady_clock::now();
    writer.write(line_of(0));
    CHECK(writer.flush(10s));  // into the pipe; the others fill it
    for (int i = 1; i < kLines; ++i) writer.write(line_of(i));
    CHECK(steady_clock::now() - begun < 5s);
    CHECK(writer.lost() > kLines / 2);
    CHECK_FALSE(writer.flush(10ms));

    const std::string read = pipe.read_to("line " + std::to_string(kLines - 1));

    CHECK(read.starts_with(line_of(0)));
    CHECK(reported_lost(read) == writer.lost());
    CHECK(read.ends_with(line_of(kLines - 1)));
}

TEST_CASE("lines: the end waits a moment for a reader, and not for ever") {
    ignore_closed_pipes();  // the writer's thread may outlive the pipe
    Pipe pipe;
    const auto begun = steady_clock::now();
    {
        LineWriter writer(pipe.write_end);
        for (int i = 0; i < 2'000; ++i) writer.write(line_of(i));
    }
    CHECK(steady_clock::now() - begun < 5s);
}

TEST_CASE("lines: a reader that has gone costs the lines, nothing else") {
    ignore_closed_pipes();  // SIGPIPE would end this test
    Pipe pipe;
    pipe.close_reader();
    LineWriter writer(pipe.write_end);
    for (int i = 0; i < 10; ++i) writer.write(line_of(i));
    CHECK(writer.flush(10s));
    CHECK(writer.lost() == 10);
}

TEST_CASE("lines: a descriptor that is closed costs the lines, nothing else") {
    LineWriter writer(1'000'000);  // a number that is not open
    writer.write(line_of(0));
    CHECK(writer.flush(10s));
    CHECK(writer.lost() == 1);
}

}  // namespace orderflow::test
