#include "http/curl_multi.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace orderflow::http {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Other work gets a turn after so many events: a handshake takes about 1 ms.
constexpr std::size_t kEventsAtOnce = 16;

void require(CURLMcode code) {
    if (code != CURLM_OK) {
        throw std::runtime_error(std::string("libcurl: ") + curl_multi_strerror(code));
    }
}

int new_epoll() {
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
    return descriptor;
}

}  // namespace

CurlMulti::CurlMulti(asio::io_context& io, std::size_t connections,
                     std::function<void(CURL*, CURLcode)> ended)
    : io_(io),
      ended_(std::move(ended)),
      sockets_(io, new_epoll()),
      timer_(io),
      multi_(curl_multi_init()) {
    if (!multi_) throw std::bad_alloc();
    CURLM* multi = multi_.get();
    require(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &CurlMulti::on_socket));
    require(curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this));
    require(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &CurlMulti::on_timeout));
    require(curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this));
    require(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(connections)));
}

CurlMulti::~CurlMulti() = default;

void CurlMulti::start() { wait_for_events(); }

void CurlMulti::add(CURL* easy) {
    // A connection keeps the callbacks of the transfer that opens it.
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, &CurlMulti::on_open);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, this);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &CurlMulti::on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
    require(curl_multi_add_handle(multi_.get(), easy));
}

void CurlMulti::remove(CURL* easy) { curl_multi_remove_handle(multi_.get(), easy); }

// libcurl closes the socket of a failed attempt to connect without any callback. The next socket
// may get the same number. libcurl still regards that number as watched, so it does not report that
// socket either. The new socket is therefore added here, with the events of the old one.
int CurlMulti::on_open(void* self, curl_socket_t socket, curlsocktype) {
    auto& me = *static_cast<CurlMulti*>(self);
    Watched& watched = me.connections_[socket];
    const std::uint32_t lost = watched.wanted ? watched.events : 0;
    watched = {};
    if (lost != 0) {
        watched.wanted = true;
        me.watch(socket, watched, lost);
    }
    return CURL_SOCKOPT_OK;
}

// The kernel has already removed a closed socket from the epoll set.
int CurlMulti::on_close(void* self, curl_socket_t socket) {
    static_cast<CurlMulti*>(self)->connections_.erase(socket);
    return ::close(socket);
}

int CurlMulti::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
    auto& me = *static_cast<CurlMulti*>(self);
    const auto connection = me.connections_.find(socket);
    Watched other;  // libcurl's own socket for a name lookup, also closed without a callback
    Watched& watched = connection == me.connections_.end() ? other : connection->second;
    watched.wanted = what != CURL_POLL_REMOVE;
    if (watched.wanted) {
        std::uint32_t events = 0;
        if (what & CURL_POLL_IN) events |= EPOLLIN;
        if (what & CURL_POLL_OUT) events |= EPOLLOUT;
        // A socket that the set has lost was closed. This one belongs to a name lookup and has the
        // same number.
        if (me.watch(socket, watched, events) == Place::lost) me.connections_.erase(socket);
    } else if (watched.events != EPOLLIN) {  // not a connection, or not connected yet
        ::epoll_ctl(me.sockets_.native_handle(), EPOLL_CTL_DEL, socket, nullptr);
        me.connections_.erase(socket);
    }
    return 0;  // any other value ends all transfers, for ever
}

// If epoll_ctl fails, the transfer of the socket ends with its timeout.
CurlMulti::Place CurlMulti::watch(curl_socket_t socket, Watched& watched, std::uint32_t events) {
    const bool was_in = watched.events != 0;
    if (watched.events == events) return Place::known;
    epoll_event event{};
    event.events = events;
    event.data.fd = socket;
    const int set = sockets_.native_handle();
    watched.events = events;
    if (::epoll_ctl(set, EPOLL_CTL_MOD, socket, &event) == 0) return Place::known;
    ::epoll_ctl(set, EPOLL_CTL_ADD, socket, &event);
    return was_in ? Place::lost : Place::known;
}

int CurlMulti::on_timeout(CURLM*, long timeout_ms, void* self) {
    static_cast<CurlMulti*>(self)->set_due(timeout_ms);
    return 0;
}

void CurlMulti::wait_for_events() {
    sockets_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [weak = weak_from_this()](error_code ec) {
                            const auto self = weak.lock();
                            if (!self || ec) return;
                            self->take_events();
                            self->wait_for_events();
                        });
}

void CurlMulti::take_events() {
    std::array<epoll_event, kEventsAtOnce> events;
    const int count =
        ::epoll_wait(sockets_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const auto connection = connections_.find(event.data.fd);
        if (connection != connections_.end() && !connection->second.wanted) {
            // An idle connection; most likely the server has closed it. libcurl checks a connection
            // before it uses it again.
            ::epoll_ctl(sockets_.native_handle(), EPOLL_CTL_DEL, event.data.fd, nullptr);
            connection->second.events = 0;
            continue;
        }
        int what = 0;
        if (event.events & (EPOLLIN | EPOLLHUP)) what |= CURL_CSELECT_IN;
        if (event.events & EPOLLOUT) what |= CURL_CSELECT_OUT;
        if (event.events & EPOLLERR) what |= CURL_CSELECT_ERR;
        act(event.data.fd, what);
    }
    collect();
}

// Runs inside libcurl, so it must not call libcurl.
void CurlMulti::set_due(long timeout_ms) {
    if (timeout_ms < 0) {
        due_ = Clock::time_point::max();
        return;
    }
    due_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
    if (timeout_ms > 0) {
        arm();
    } else if (!posted_) {
        posted_ = true;
        asio::post(io_, [weak = weak_from_this()] {
            const auto self = weak.lock();
            if (!self) return;
            self->posted_ = false;
            self->look_at_clock();
        });
    }
}

// A timer that is armed for an earlier time stays armed. When it fires, it reads the clock and is
// armed again. So it costs nothing that each request moves the deadline.
void CurlMulti::arm() {
    if (due_ >= armed_) return;
    armed_ = due_;
    timer_.expires_at(armed_);
    timer_.async_wait([weak = weak_from_this()](error_code ec) {
        const auto self = weak.lock();
        if (!self || ec) return;
        self->armed_ = Clock::time_point::max();
        self->look_at_clock();
    });
}

void CurlMulti::look_at_clock() {
    if (Clock::now() >= due_) {
        due_ = Clock::time_point::max();
        act(CURL_SOCKET_TIMEOUT, 0);
        collect();
    }
    arm();
}

void CurlMulti::act(curl_socket_t socket, int events) {
    int running = 0;
    curl_multi_socket_action(multi_.get(), socket, events, &running);
}

void CurlMulti::collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL* const easy = message->easy_handle;
        const CURLcode code = message->data.result;  // remove() makes the message invalid
        remove(easy);
        ended_(easy, code);
    }
}

}  // namespace orderflow::http
