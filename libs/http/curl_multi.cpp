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

constexpr std::size_t kEventsAtOnce = 16;  // a handshake takes about 1 ms: then others have a turn

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
    : io_(io), ended_(std::move(ended)), sockets_(io, new_epoll()), timer_(io),
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
    // Whoever opens a connection gives it these; it closes its socket by them.
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &CurlMulti::on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
    require(curl_multi_add_handle(multi_.get(), easy));
}

void CurlMulti::remove(CURL* easy) { curl_multi_remove_handle(multi_.get(), easy); }

int CurlMulti::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
    auto& me = *static_cast<CurlMulti*>(self);
    if (what == CURL_POLL_REMOVE) {
        const auto known = me.watched_.find(socket);
        if (known != me.watched_.end()) known->second.wanted = false;
        return 0;
    }
    std::uint32_t events = 0;
    if (what & CURL_POLL_IN) events |= EPOLLIN;
    if (what & CURL_POLL_OUT) events |= EPOLLOUT;
    return me.watch(socket, events) ? 0 : -1;  // -1: its transfers fail
}

// A closed socket has left the set by itself.
int CurlMulti::on_close(void* self, curl_socket_t socket) {
    static_cast<CurlMulti*>(self)->watched_.erase(socket);
    return ::close(socket);
}

bool CurlMulti::watch(curl_socket_t socket, std::uint32_t events) {
    const auto [place, is_new] = watched_.try_emplace(socket);
    Watched& watched = place->second;
    watched.wanted = true;
    if (!is_new && watched.events == events) return true;
    epoll_event event{};
    event.events = events;
    event.data.fd = socket;
    const int operation = is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (::epoll_ctl(sockets_.native_handle(), operation, socket, &event) != 0) {
        watched_.erase(place);
        return false;
    }
    watched.events = events;
    return true;
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
        const auto watched = watched_.find(event.data.fd);
        if (watched == watched_.end()) continue;  // closed by what came before it
        if (!watched->second.wanted) {
            // Of an idle connection: its end, most likely. libcurl looks before it is used again.
            ::epoll_ctl(sockets_.native_handle(), EPOLL_CTL_DEL, event.data.fd, nullptr);
            watched_.erase(watched);
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

// Called inside libcurl, which must not be called from here.
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

// A timer that is armed for an earlier time stays: it looks at the clock and is armed again. So
// deadlines that move on with each request cost nothing.
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
        const CURLcode code = message->data.result;  // the message ends with remove()
        remove(easy);
        ended_(easy, code);
    }
}

}  // namespace orderflow::http
