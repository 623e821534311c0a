#include "core/line_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace orderflow {

namespace {

constexpr int kLookMs = 100;  // the thread notices the end of its LineWriter at most this late
constexpr std::chrono::seconds kLastLines{1};

}  // namespace

struct LineWriter::State {
    State(int fd, LostLine lost_line_, std::size_t most)
        : descriptor(fd), lost_line(std::move(lost_line_)), most_bytes(most) {}

    void run() {
        std::unique_lock lock(mutex);
        for (;;) {
            changed.wait(lock, [this] { return ended || !lines.empty(); });
            if (lines.empty()) return;
            const std::uint64_t unreported = std::exchange(to_report, 0);
            std::string line = std::move(lines.front());
            lines.pop_front();
            bytes -= line.size();
            writing = true;
            lock.unlock();
            const bool reported = unreported == 0 || !lost_line || put(lost_line(unreported));
            const bool written = put(line);
            lock.lock();
            if (!reported) to_report += unreported;
            if (!written) lose(1);
            writing = false;
            changed.notify_all();
        }
    }

    void lose(std::uint64_t count) {
        lost += count;
        to_report += count;
    }

    // Writes in pieces of at most PIPE_BUF bytes: a pipe that can take bytes takes such a piece
    // whole. So the write can block only if other processes write to the same reader. False: this
    // line cannot be written.
    bool put(std::string_view text) {
        while (!text.empty()) {
            pollfd writable{descriptor, POLLOUT, 0};
            if (::poll(&writable, 1, kLookMs) == 0) {
                const std::lock_guard lock(mutex);
                if (ended) return false;
                continue;
            }
            const ssize_t n =
                ::write(descriptor, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
            if (n >= 0) {
                text.remove_prefix(static_cast<std::size_t>(n));
            } else if (errno != EINTR && errno != EAGAIN) {
                return false;
            }
        }
        return true;
    }

    const int descriptor;
    const LostLine lost_line;
    const std::size_t most_bytes;
    std::mutex mutex;  // guards all members below
    std::condition_variable changed;
    std::deque<std::string> lines;
    std::size_t bytes = 0;  // in `lines`
    std::uint64_t lost = 0;
    std::uint64_t to_report = 0;  // the lost lines that are not reported yet
    bool writing = false;
    bool ended = false;
};

LineWriter::LineWriter(int descriptor, LostLine lost_line, std::size_t most_bytes)
    : state_(std::make_shared<State>(descriptor, std::move(lost_line), most_bytes)) {
    std::thread([state = state_] { state->run(); }).detach();
}

LineWriter::~LineWriter() {
    flush(kLastLines);
    const std::lock_guard lock(state_->mutex);
    state_->ended = true;
    state_->lines.clear();
    state_->changed.notify_all();
}

void LineWriter::write(std::string line) {
    const std::lock_guard lock(state_->mutex);
    state_->bytes += line.size();
    state_->lines.push_back(std::move(line));
    while (state_->bytes > state_->most_bytes) {
        state_->bytes -= state_->lines.front().size();
        state_->lines.pop_front();
        state_->lose(1);
    }
    state_->changed.notify_all();
}

bool LineWriter::flush(std::chrono::milliseconds at_most) {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, at_most,
                                    [this] { return state_->lines.empty() && !state_->writing; });
}

std::uint64_t LineWriter::lost() const {
    const std::lock_guard lock(state_->mutex);
    return state_->lost;
}

void keep_standard_streams() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
        const int null = ::open("/dev/null", O_RDWR);  // gets the lowest free number: this one
        if (null > STDERR_FILENO) ::close(null);
    }
}

void ignore_closed_pipes() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace orderflow
