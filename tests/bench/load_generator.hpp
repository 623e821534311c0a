#pragma once
// The loop of bench-load: non-blocking sockets, one epoll, one thread. It shares the machine with
// the system that it measures, so for each order it does one send, one recv and at most one
// epoll_wait.
//
// Open loop: order n is due at a time that is fixed beforehand. When no connection is free, the
// order waits and its clock runs, so that a stalled server cannot hide its stall (coordinated
// omission).
// Closed loop: each connection sends its next order when the last one is answered.

#include "bench/load_http.hpp"
#include "bench/load_options.hpp"
#include "bench/load_orders.hpp"
#include "bench/load_report.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace orderflow::bench {

class LoadGenerator {
public:
    LoadGenerator(const LoadOptions& options, OrderSource& orders);
    ~LoadGenerator();
    LoadGenerator(const LoadGenerator&) = delete;
    LoadGenerator& operator=(const LoadGenerator&) = delete;

    // Blocks until every order is answered or timed out; SIGTERM ends the window early. Prints
    // "counting from=..." and "counted to=..." (microseconds since 1970) on stderr when the window
    // opens and closes: a program that samples the servers waits for these lines.
    LoadResult run();

private:
    enum class Phase : std::uint8_t { Closed, Connecting, Idle, Busy };

    struct Connection {
        int fd = -1;
        Phase phase = Phase::Closed;
        std::uint32_t generation = 0;  // used to ignore events of an earlier socket in this slot
        bool cancelling = false;       // the cancellation of the sample's order is under way
        std::string unsent;            // the rest of a request that the socket has not accepted yet
        Sample sample;
        ResponseReader reader;
    };

    static constexpr std::size_t none = SIZE_MAX;

    [[nodiscard]] std::int64_t now_us() const;
    void announce(std::int64_t now);
    void start_due(std::int64_t now);
    void start_due_closed(std::int64_t now);
    void advance_schedule();
    [[nodiscard]] std::int64_t next_due_us() const;
    std::size_t free_connection();
    void start(std::size_t slot, std::int64_t scheduled_us);
    bool open(std::size_t slot);
    void cancel(std::size_t slot);
    void write(std::size_t slot);
    void read(std::size_t slot);
    void on_event(std::size_t slot, std::uint32_t events);
    void drop_idle(std::size_t slot);
    void answered(std::size_t slot);
    void failed(std::size_t slot, LoadError error);
    void close_socket(std::size_t slot);
    void release(std::size_t slot, bool pause);
    void expire(std::int64_t now);
    void wait(std::int64_t now);
    [[nodiscard]] bool finished(std::int64_t now) const;

    const LoadOptions& options_;
    OrderSource& orders_;
    LoadResult result_;
    int epoll_ = -1;
    std::int64_t realtime_offset_us_ = 0;  // realtime - monotonic, read once: no clock steps
    std::int64_t window_from_us_ = 0;
    std::int64_t window_to_us_ = 0;
    std::int64_t begin_us_ = 0;
    std::uint64_t scheduled_ = 0;  // open loop: orders sent so far
    double due_s_ = 0;             // due time of the next order, after begin_us_
    std::int64_t next_expiry_us_ = 0;
    int announced_ = 0;
    std::size_t busy_ = 0;
    int open_sockets_ = 0;
    std::vector<Connection> connections_;
    std::vector<std::size_t> idle_;    // connected and free; the last used is used first
    std::vector<std::size_t> unused_;  // slots without a socket
    // Closed loop: the slots that may send again, and from when on; ordered by time.
    std::deque<std::pair<std::int64_t, std::size_t>> ready_;
    std::deque<std::pair<std::int64_t, std::size_t>> paused_;
};

}  // namespace orderflow::bench
