#pragma once
// libcurl's multi interface, driven by an io_context. Inside libs/http only, for http::Client. On
// the io thread; nothing here blocks.
//
// libcurl reports in callbacks which sockets to watch, and when to call it next. The sockets are in
// an epoll set of this class, and Asio watches only the descriptor of that set. So one wake-up
// handles all sockets that are ready, and Asio never owns a descriptor that libcurl closes. The
// socket of a kept connection stays in the set between two transfers, although libcurl's callbacks
// request to remove it and then to add it again. Both would be system calls, and expensive ones,
// because one epoll set is inside another.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <curl/curl.h>

namespace boost::asio {
class io_context;
}

namespace orderflow::http {

class CurlMulti : public std::enable_shared_from_this<CurlMulti> {
public:
    // Calls `ended` for each transfer that ends, outside of libcurl; `ended` must not destroy this
    // object. Keeps at most `connections` connections.
    CurlMulti(boost::asio::io_context& io, std::size_t connections,
              std::function<void(CURL*, CURLcode)> ended);
    ~CurlMulti();

    // Begins to watch the sockets. Call it once, after construction.
    void start();
    // Starts a transfer, which runs until `ended` or remove(). Throws std::runtime_error.
    void add(CURL* easy);
    void remove(CURL* easy);

private:
    using Clock = std::chrono::steady_clock;
    struct Cleanup {
        void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
    };

    struct Watched {
        std::uint32_t events = 0;  // in the epoll set; 0: the socket is not in the set
        bool wanted = false;       // libcurl needs the socket to be watched
    };

    static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*);
    static int on_open(void* self, curl_socket_t socket, curlsocktype);
    static int on_close(void* self, curl_socket_t socket);
    enum class Place { known, lost };  // lost: not in the set, although `watched` has it
    Place watch(curl_socket_t socket, Watched& watched, std::uint32_t events);
    static int on_timeout(CURLM*, long timeout_ms, void* self);
    void wait_for_events();
    void take_events();
    void set_due(long timeout_ms);
    void arm();
    void look_at_clock();
    void act(curl_socket_t socket, int events);
    void collect();

    boost::asio::io_context& io_;
    std::function<void(CURL*, CURLcode)> ended_;
    boost::asio::posix::stream_descriptor sockets_;  // the epoll set
    boost::asio::steady_timer timer_;
    Clock::time_point due_ = Clock::time_point::max();        // when to call libcurl
    Clock::time_point armed_ = Clock::time_point::max();      // what the timer waits for
    bool posted_ = false;                                     // look_at_clock() is posted
    std::unordered_map<curl_socket_t, Watched> connections_;  // open ones
    std::unique_ptr<CURLM, Cleanup> multi_;                   // last: its destructor closes sockets
};

}  // namespace orderflow::http
