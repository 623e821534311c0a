#include "bench/load_generator.hpp"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string_view>
#include <system_error>

namespace orderflow::bench {
namespace {

constexpr std::int64_t expiry_interval_us = 100'000;
// Closed loop: the pause after a refusal or an error. Without it, a connection would request 503s
// as fast as the server sends them.
constexpr std::int64_t pause_us = 100'000;
// A wake-up costs this program more than anything else that it does. From this rate on, it wakes up
// for due orders only at multiples of the tick. An order that waits up to one tick for that has
// this wait in its latency, like any other wait.
constexpr double coarse_from_rate = 1000;
constexpr std::int64_t coarse_tick_us = 500;

volatile std::sig_atomic_t told_to_end = 0;

std::int64_t clock_us(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1000;
}

void copy_order_id(std::string_view body, Sample& sample) {
    constexpr std::string_view key = "\"orderId\"";
    const auto at = body.find(key);
    if (at == std::string_view::npos) return;
    const auto from = body.find_first_not_of(": ", at + key.size());
    if (from == std::string_view::npos || body[from] != '"') return;
    const auto id = body.substr(from + 1);
    if (id.size() >= sample.order_id.size()) {
        std::copy_n(id.begin(), sample.order_id.size(), sample.order_id.begin());
    }
}

}  // namespace

LoadGenerator::LoadGenerator(const LoadOptions& options, OrderSource& orders)
    : options_(options),
      orders_(orders),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      realtime_offset_us_(clock_us(CLOCK_REALTIME) - clock_us(CLOCK_MONOTONIC)) {
    if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    const int slots = options.closed > 0 ? options.closed : options.connections;
    connections_.resize(static_cast<std::size_t>(slots));
    for (std::size_t slot = connections_.size(); slot-- > 0;) unused_.push_back(slot);
    const double expected = options.rate_per_s > 0 ? options.rate_per_s : 5000;
    result_.samples.reserve(
        static_cast<std::size_t>(expected * (options.duration_s + options.warmup_s) * 1.1 + 1000));
}

LoadGenerator::~LoadGenerator() {
    for (const Connection& connection : connections_) {
        if (connection.fd >= 0) close(connection.fd);
    }
    close(epoll_);
}

std::int64_t LoadGenerator::now_us() const {
    return clock_us(CLOCK_MONOTONIC) + realtime_offset_us_;
}

LoadResult LoadGenerator::run() {
    // In nanoseconds: a late wake-up of our own would count as latency of the server.
    prctl(PR_SET_TIMERSLACK, 1UL);
    result_.cpu_before_s = process_cpu_s();
    const auto begin = now_us();
    window_from_us_ = begin + options_.warmup_s * 1'000'000LL;
    window_to_us_ = window_from_us_ + options_.duration_s * 1'000'000LL;
    result_.counted_from_us = window_from_us_;
    result_.counted_to_us = window_to_us_;
    begin_us_ = begin;
    next_expiry_us_ = begin + expiry_interval_us;
    if (options_.closed > 0) {
        for (; !unused_.empty(); unused_.pop_back()) ready_.emplace_back(begin, unused_.back());
    }
    std::signal(SIGTERM, [](int) { told_to_end = 1; });
    for (;;) {
        const auto now = now_us();
        if (told_to_end != 0) result_.counted_to_us = window_to_us_ = std::min(window_to_us_, now);
        announce(now);
        if (options_.closed > 0) {
            start_due_closed(now);
        } else {
            start_due(now);
        }
        if (finished(now)) break;
        if (now >= next_expiry_us_) expire(now);
        wait(now);
    }
    for (; options_.closed == 0 && next_due_us() < window_to_us_; advance_schedule()) {
        ++result_.never_sent;
    }
    return std::move(result_);
}

void LoadGenerator::announce(std::int64_t now) {
    if (announced_ == 0 && now >= window_from_us_) {
        std::fprintf(stderr, "counting from=%lld\n", static_cast<long long>(window_from_us_));
        announced_ = 1;
    }
    if (announced_ == 1 && now >= window_to_us_) {
        std::fprintf(stderr, "counted to=%lld\n", static_cast<long long>(window_to_us_));
        announced_ = 2;
    }
}

void LoadGenerator::advance_schedule() {
    ++scheduled_;
    const double rate = options_.rate_per_s;
    due_s_ = options_.poisson ? due_s_ + orders_.next_gap_s(rate)
                              : static_cast<double>(scheduled_) / rate;
}

std::int64_t LoadGenerator::next_due_us() const {
    return begin_us_ + static_cast<std::int64_t>(due_s_ * 1e6);
}

// Overdue orders are still sent after the window, until the timeout. Without them, the percentiles
// of an overloaded run would look better than they were.
void LoadGenerator::start_due(std::int64_t now) {
    const auto until = std::min(now + 1, window_to_us_);
    if (now > window_to_us_ + options_.timeout_ms * 1000LL) return;
    while (next_due_us() < until) {
        const auto slot = free_connection();
        if (slot == none) return;
        start(slot, next_due_us());
        advance_schedule();
    }
}

void LoadGenerator::start_due_closed(std::int64_t now) {
    for (; !paused_.empty() && paused_.front().first <= now; paused_.pop_front()) {
        ready_.push_back(paused_.front());
    }
    // Handles only the slots that are ready now: a slot that fails at once comes back after its
    // pause.
    for (auto count = ready_.size(); count > 0 && now < window_to_us_; --count) {
        const auto [since, slot] = ready_.front();
        ready_.pop_front();
        start(slot, since);
    }
}

std::size_t LoadGenerator::free_connection() {
    auto& from = idle_.empty() ? unused_ : idle_;
    if (from.empty()) return none;
    const auto slot = from.back();
    from.pop_back();
    return slot;
}

void LoadGenerator::start(std::size_t slot, std::int64_t scheduled_us) {
    Connection& connection = connections_[slot];
    connection.sample = Sample{};
    connection.sample.scheduled_us = scheduled_us;
    connection.sample.sent_us = now_us();
    connection.reader.restart();
    const auto order = orders_.next();
    connection.sample.kind = order.kind;
    connection.unsent = order.request;
    ++busy_;
    if (connection.fd < 0 && !open(slot)) {
        failed(slot, LoadError::Connect);
        return;
    }
    if (connection.phase == Phase::Idle) {
        connection.phase = Phase::Busy;
        write(slot);
    }
}

// Uses the connection that received the 202. It stays busy until the cancellation is answered too.
void LoadGenerator::cancel(std::size_t slot) {
    Connection& connection = connections_[slot];
    const auto& id = connection.sample.order_id;
    connection.unsent = orders_.cancellation_of({id.data(), id.size()});
    connection.sample.sent_us = now_us();
    connection.cancelling = true;
    connection.reader.restart();
    write(slot);
}

bool LoadGenerator::open(std::size_t slot) {
    Connection& connection = connections_[slot];
    try {
        connection.fd = connect_socket(options_.host, options_.port, false);
    } catch (const std::exception&) {
        return false;
    }
    ++connection.generation;
    ++result_.connections_opened;
    result_.most_connections = std::max(result_.most_connections, ++open_sockets_);
    connection.phase = Phase::Connecting;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = static_cast<std::uint64_t>(connection.generation) << 32 | slot;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
    return true;
}

void LoadGenerator::write(std::size_t slot) {
    Connection& connection = connections_[slot];
    const auto sent =
        send(connection.fd, connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        failed(slot, LoadError::Closed);
    } else if (sent > 0) {
        connection.unsent.erase(0, static_cast<std::size_t>(sent));
    }
}

void LoadGenerator::read(std::size_t slot) {
    Connection& connection = connections_[slot];
    for (;;) {
        const auto space = connection.reader.free_space();
        const auto received = recv(connection.fd, space.data(), space.size(), 0);
        if (received < 0 && errno == EAGAIN) return;
        if (received <= 0) {
            failed(slot, LoadError::Closed);
            return;
        }
        const auto state = connection.reader.added(static_cast<std::size_t>(received));
        if (state == ResponseReader::State::Broken) {
            failed(slot, LoadError::Broken);
            return;
        }
        if (state == ResponseReader::State::Complete) {
            answered(slot);
            return;
        }
        // A short read has emptied the socket; data that arrive later cause a new edge of epoll.
        if (static_cast<std::size_t>(received) < space.size()) return;
    }
}

void LoadGenerator::on_event(std::size_t slot, std::uint32_t events) {
    Connection& connection = connections_[slot];
    if (connection.phase == Phase::Idle) {
        // The server closed an idle connection, or the socket is merely writable.
        if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLIN)) == 0) return;
        drop_idle(slot);
        return;
    }
    if (connection.phase == Phase::Connecting) {
        if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
            failed(slot, LoadError::Connect);
            return;
        }
        if ((events & EPOLLOUT) == 0) return;
        connection.phase = Phase::Busy;
    }
    const auto generation = connection.generation;
    if ((events & EPOLLOUT) != 0 && !connection.unsent.empty()) write(slot);
    const bool same_socket = connection.phase == Phase::Busy && connection.generation == generation;
    if (same_socket && (events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) read(slot);
    // The answer and the end of the stream came in one event: epoll will report no other edge.
    if (connection.phase == Phase::Idle && (events & EPOLLRDHUP) != 0) drop_idle(slot);
}

void LoadGenerator::drop_idle(std::size_t slot) {
    close_socket(slot);
    // Closed loop: a slot without a socket connects again when it sends its next order.
    if (options_.closed > 0) return;
    std::erase(idle_, slot);
    unused_.push_back(slot);
}

void LoadGenerator::answered(std::size_t slot) {
    Connection& connection = connections_[slot];
    Sample& sample = connection.sample;
    const int status = connection.reader.status();
    if (connection.cancelling) {
        connection.cancelling = false;
        ++result_.cancellations[status];
    } else {
        sample.answered_us = now_us();
        sample.status = static_cast<std::uint16_t>(status);
        copy_order_id(connection.reader.body(), sample);
        result_.samples.push_back(sample);
        if (sample.kind == OrderKind::Cancelled && status == 202 &&
            connection.reader.keep_alive()) {
            cancel(slot);
            return;
        }
    }
    --busy_;
    if (connection.reader.keep_alive()) {
        connection.phase = Phase::Idle;
    } else {
        close_socket(slot);
    }
    release(slot, sample.status != 202);
}

void LoadGenerator::failed(std::size_t slot, LoadError error) {
    Connection& connection = connections_[slot];
    if (connection.cancelling) {
        connection.cancelling = false;
        ++result_.cancellations[0];
    } else {
        connection.sample.answered_us = now_us();
        connection.sample.error = error;
        result_.samples.push_back(connection.sample);
    }
    --busy_;
    close_socket(slot);
    release(slot, true);
}

void LoadGenerator::close_socket(std::size_t slot) {
    Connection& connection = connections_[slot];
    if (connection.fd >= 0) {
        close(connection.fd);
        --open_sockets_;
    }
    connection.fd = -1;
    connection.phase = Phase::Closed;
}

void LoadGenerator::release(std::size_t slot, bool pause) {
    if (options_.closed > 0) {
        const auto now = now_us();
        if (pause) {
            paused_.emplace_back(now + pause_us, slot);
        } else {
            ready_.emplace_back(now, slot);
        }
    } else if (connections_[slot].fd >= 0) {
        idle_.push_back(slot);
    } else {
        unused_.push_back(slot);
    }
}

void LoadGenerator::expire(std::int64_t now) {
    next_expiry_us_ = now + expiry_interval_us;
    const auto oldest = now - options_.timeout_ms * 1000LL;
    for (std::size_t slot = 0; slot < connections_.size(); ++slot) {
        const Connection& connection = connections_[slot];
        const bool waiting =
            connection.phase == Phase::Busy || connection.phase == Phase::Connecting;
        if (waiting && connection.sample.sent_us < oldest) failed(slot, LoadError::Timeout);
    }
}

void LoadGenerator::wait(std::int64_t now) {
    auto wake = next_expiry_us_;
    if (announced_ == 0) wake = std::min(wake, window_from_us_);
    if (announced_ == 1) wake = std::min(wake, window_to_us_);
    if (options_.closed > 0) {
        if (!ready_.empty() && now < window_to_us_) wake = now;
        if (!paused_.empty()) wake = std::min(wake, paused_.front().first);
    } else if (next_due_us() > now) {
        // An overdue order means that no connection is free: then only an event of a socket can
        // help.
        const std::int64_t tick_us = options_.rate_per_s < coarse_from_rate ? 1 : coarse_tick_us;
        wake = std::min(wake, (next_due_us() / tick_us + 1) * tick_us);
    }
    const auto left_us = std::max<std::int64_t>(0, wake - now);
    timespec timeout{};
    timeout.tv_sec = left_us / 1'000'000;
    timeout.tv_nsec = left_us % 1'000'000 * 1000;
    std::array<epoll_event, 256> events;
    const int count = epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
    if (count < 0 && errno != EINTR) {
        throw std::system_error(errno, std::generic_category(), "epoll_pwait2");
    }
    for (int i = 0; i < count; ++i) {
        const auto slot = static_cast<std::size_t>(events[i].data.u64 & UINT32_MAX);
        const auto generation = static_cast<std::uint32_t>(events[i].data.u64 >> 32);
        if (connections_[slot].fd < 0 || connections_[slot].generation != generation) continue;
        on_event(slot, events[i].events);
    }
}

bool LoadGenerator::finished(std::int64_t now) const {
    if (busy_ > 0 || now < window_to_us_) return false;
    const bool overdue = options_.closed == 0 && next_due_us() < window_to_us_;
    return !overdue || now > window_to_us_ + options_.timeout_ms * 1000LL;
}

}  // namespace orderflow::bench
