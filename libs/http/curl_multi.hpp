#pragma once
// libcurl's multi interface, driven by an io_context. Inside libs/http only, for http::Client.
// On the io thread; nothing here waits.
//
// libcurl says which sockets it wants watched, and when it wants to be called next. The sockets go
// into an epoll set of our own, of which Asio watches the one descriptor: one wake-up takes all
// sockets that are ready, and Asio never owns a descriptor that libcurl closes. A kept connection's
// socket stays in the set between two transfers, although libcurl takes it out and puts it in
// again: both are system calls, dear ones in a set within a set.

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
    // `ended` is called for each transfer that ends, outside libcurl, and must not destroy this
    // object. At most `connections` are kept.
    CurlMulti(boost::asio::io_context& io, std::size_t connections,
              std::function<void(CURL*, CURLcode)> ended);
    ~CurlMulti();

    // Begins to watch; once, after construction.
    void start();
    // The transfer goes on until `ended` or remove(). Throws std::runtime_error.
    void add(CURL* easy);
    void remove(CURL* easy);

private:
    using Clock = std::chrono::steady_clock;
    struct Cleanup {
        void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
    };

    struct Watched {
        std::uint32_t events = 0;  // as the set has it; 0: it is not in it
        bool wanted = false;       // by libcurl
    };

    static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*);
    static int on_open(void* self, curl_socket_t socket, curlsocktype);
    static int on_close(void* self, curl_socket_t socket);
    enum class Place { known, lost };  // lost: it was in the set, says `watched`, and is not
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
    Clock::time_point due_ = Clock::time_point::max();        // when libcurl wants to be called
    Clock::time_point armed_ = Clock::time_point::max();      // what the timer waits for
    bool posted_ = false;                                     // it wants to be called at once
    std::unordered_map<curl_socket_t, Watched> connections_;  // open ones
    std::unique_ptr<CURLM, Cleanup> multi_;                   // last: its end closes sockets
};

}  // namespace orderflow::http
