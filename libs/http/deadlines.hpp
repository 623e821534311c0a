#pragma once
// Many deadlines with one timer. Inside libs/http only, on the io thread.
// Arming a timer for each read and write costs more than the read itself. Here setting a deadline
// is one assignment; a sweep checks all deadlines, and it runs only while there are any.

#include <chrono>
#include <memory>

#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

namespace orderflow::http {

class Deadline : public boost::intrusive::list_base_hook<
                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr Clock::time_point kNever = Clock::time_point::max();

    Clock::time_point at = kNever;

    // Called once per expiry; `at` is already kNever again. It may cancel operations and close
    // sockets, because their handlers run later. It may unlink this Deadline, but must not change
    // the place of another one in the list.
    virtual void expired() = 0;

protected:
    ~Deadline() = default;
};

class DeadlineSweep : public std::enable_shared_from_this<DeadlineSweep> {
public:
    DeadlineSweep(boost::asio::io_context& io, std::chrono::milliseconds every)
        : timer_(io), every_(every) {}

    // Watches the Deadline until it is destroyed or unlinked.
    void watch(Deadline& deadline) {
        watched_.push_back(deadline);
        if (!running_) wait();
    }

    // `f` may unlink the Deadline that it gets.
    template <class F>
    void for_each(F f) {
        for (auto next = watched_.begin(); next != watched_.end();) f(*next++);
    }

private:
    using Watched = boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;

    void wait() {
        running_ = true;
        timer_.expires_after(every_);
        timer_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
            const auto self = weak.lock();
            if (self && !ec) self->sweep();
        });
    }

    void sweep() {
        running_ = false;
        if (watched_.empty()) return;
        const auto now = Deadline::Clock::now();
        for (auto next = watched_.begin(); next != watched_.end();) {
            Deadline& deadline = *next++;
            if (deadline.at > now) continue;
            deadline.at = Deadline::kNever;
            deadline.expired();
        }
        wait();
    }

    boost::asio::steady_timer timer_;
    std::chrono::milliseconds every_;
    Watched watched_;
    bool running_ = false;
};

}  // namespace orderflow::http
