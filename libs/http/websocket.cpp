#include "http/websocket.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <list>
#include <utility>

#include <boost/asio/compose.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "http/frame_watch.hpp"
#include "http/server_core.hpp"

namespace orderflow::http {

namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Clock = Deadline::Clock;

constexpr std::size_t kReadBytes = 256;           // fits a command; longer ones are put together
constexpr std::size_t kKeptBytes = 512;           // of a message's memory, after it was handled
constexpr std::size_t kMaxReasonBytes = 123;      // RFC 6455 §5.5
constexpr int kSendBufferBytes = 64 * 1024;       // in the kernel; otherwise it grows to megabytes
constexpr const char* kServerName = "orderflow";  // otherwise Beast sends its version

// The socket that Beast reads from. It passes all bytes to a FrameWatch as they arrive.
class WatchedSocket : public tcp::socket {
public:
    explicit WatchedSocket(tcp::socket socket) : tcp::socket(std::move(socket)) {}

    std::function<void(std::size_t frames)> on_bytes;
    std::function<void()> on_end;  // async_end() has begun

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        auto read = [this, buffers, begun = false](auto& self, error_code ec = {},
                                                   std::size_t size = 0) mutable {
            if (!begun) {
                begun = true;
                // A copy: `self` holds `buffers` and is moved.
                // NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
                const Buffers target = buffers;
                return tcp::socket::async_read_some(target, std::move(self));
            }
            if (!ec) look(buffers, size);
            self.complete(ec, size);
        };
        return asio::async_compose<Token, void(error_code, std::size_t)>(
            std::move(read), token, static_cast<tcp::socket&>(*this));
    }

    // Stops sending, drops the bytes that still come, and closes when the peer has closed.
    template <class Token>
    auto async_end(Token&& token) {
        on_end();
        error_code ignored;
        shutdown(shutdown_send, ignored);
        non_blocking(true, ignored);
        auto drain = [this, begun = false](auto& self, error_code ec = {}) mutable {
            if (begun && !ec) drop_some(ec);
            begun = true;
            if (!ec) return async_wait(wait_read, std::move(self));
            error_code not_now;
            tcp::socket::close(not_now);
            self.complete(ec == asio::error::eof ? error_code() : ec);
        };
        return asio::async_compose<Token, void(error_code)>(std::move(drain), token,
                                                            static_cast<tcp::socket&>(*this));
    }

private:
    void drop_some(error_code& ec) {
        std::array<char, 4096> dropped;
        read_some(asio::buffer(dropped), ec);
        if (ec == asio::error::would_block) ec = {};
    }

    template <class Buffers>
    void look(const Buffers& buffers, std::size_t size) {
        std::size_t frames = 0;
        for (auto part = asio::buffer_sequence_begin(buffers);
             part != asio::buffer_sequence_end(buffers) && size > 0; ++part) {
            const asio::mutable_buffer bytes(*part);
            const std::size_t filled = std::min(bytes.size(), size);
            frames += watch_.look(static_cast<std::uint8_t*>(bytes.data()), filled);
            size -= filled;
        }
        on_bytes(frames);
    }

    FrameWatch watch_;
};

// Beast finds this function through the type of its argument. Beast's own version closes a socket
// with unread bytes, which may destroy the close frame on its way (for the reason in RFC 9112
// §9.6).
template <class Handler>
void async_teardown(boost::beast::role_type, WatchedSocket& socket, Handler&& handler) {
    socket.async_end(std::forward<Handler>(handler));
}

// How a socket ended that the server did not close itself.
const char* end_of(error_code ec) {
    if (ec == websocket::error::closed) return "client";
    if (ec == websocket::error::message_too_big) return "1009";
    if (ec == websocket::error::bad_frame_payload) return "1007";
    return ec == websocket::condition::protocol_violation ? "1002" : "lost";
}

websocket::request_type upgrade_request(std::string_view key) {
    namespace fields = boost::beast::http;
    websocket::request_type request{fields::verb::get, "/", 11};
    request.set(fields::field::host, "-");
    request.set(fields::field::connection, "upgrade");
    request.set(fields::field::upgrade, "websocket");
    request.set(fields::field::sec_websocket_version, "13");
    request.set(fields::field::sec_websocket_key, {key.data(), key.size()});
    return request;
}

}  // namespace

// One WebSocket. At most one read, one write, one ping and one close are under way at a time; each
// of them keeps this object alive. The socket is over when neither a read nor a close is under way.
// It has no timer of its own: Beast's timer would take writes for signs of life, and there are
// thousands of sockets.
class Server::Core::Socket final : public Connection,
                                   public WebSocket,
                                   public std::enable_shared_from_this<Socket> {
public:
    Socket(std::shared_ptr<Core> core, tcp::socket socket, const Route& route)
        : core_(std::move(core)),
          limits_(core_->limits.websocket),
          route_(route),
          stream_(WatchedSocket(std::move(socket))),
          frames_(limits_.frames_per_second, limits_.frames_burst) {
        error_code ignored;
        stream_.next_layer().set_option(tcp::socket::send_buffer_size(kSendBufferBytes), ignored);
        ++core_->stats.connections;
        ++core_->stats.websockets;
        core_->sweep->watch(*this);
        stream_.next_layer().on_bytes = [this](std::size_t frames) { came_in(frames); };
        stream_.next_layer().on_end = [this] { must_end(); };
        stream_.read_message_max(limits_.message_bytes);
        stream_.auto_fragment(false);
        stream_.text(true);
    }

    void accept(std::string_view key, std::string_view traceparent) {
        write_deadline_ = Clock::now() + limits_.write_timeout;
        schedule();
        stream_.set_option(websocket::stream_base::decorator(
            [trace = std::string(traceparent)](websocket::response_type& response) {
                response.set(boost::beast::http::field::server, kServerName);
                if (!trace.empty()) response.set("traceparent", trace);
            }));
        const websocket::request_type request = upgrade_request(key);
        stream_.async_accept(request,
                             [self = shared_from_this()](error_code ec) { self->accepted(ec); });
    }

    void send(std::shared_ptr<const std::string> text) override {
        if (close_ != Close::no || over_) return;
        const bool late = Clock::now() - write_began_ > limits_.write_patience;
        if ((late && queue_.size() >= limits_.queue_frames) ||
            queued_bytes_ + text->size() > allowed_bytes()) {
            return close(close_code::kTryAgainLater, "frames are not read fast enough");
        }
        queued_bytes_ += text->size();
        core_->stats.queued_bytes += text->size();
        queue_.push_back(std::move(text));
        if (!writing_) write();
    }

    void close(std::uint16_t code, std::string_view reason) override {
        if (close_ != Close::no || over_) return;
        close_ = Close::under_way;
        end_ = std::to_string(code);
        forget_waiting();
        must_end();
        reason = reason.substr(0, kMaxReasonBytes);
        const websocket::close_reason why(static_cast<websocket::close_code>(code),
                                          {reason.data(), reason.size()});
        stream_.async_close(why, [self = shared_from_this()](error_code) {
            self->close_ = Close::done;
            self->end_if_over();
        });
    }

    void stop() override {
        if (!session_) return drop();  // not yet a WebSocket
        close(close_code::kGoingAway, "the server is stopping");
    }

    void abort() override { end(); }

private:
    enum class Close { no, under_way, done };
    using Queue = std::list<std::shared_ptr<const std::string>>;

    // If too many bytes wait for all sockets together, each socket may have only an equal share of
    // the limit. So clients that read do not pay for clients that do not.
    std::size_t allowed_bytes() const {
        const ServerStats& all = core_->stats;
        if (all.queued_bytes < limits_.queues_bytes) return limits_.queue_bytes;
        return std::min(limits_.queue_bytes, limits_.queues_bytes / all.websockets);
    }

    void accepted(error_code ec) {
        write_deadline_ = kNever;
        last_heard_ = Clock::now();
        schedule();
        stream_.set_option(websocket::stream_base::decorator([](websocket::response_type&) {}));
        if (ec || over_) return end();
        if (guarded([this] { session_ = route_.websocket(*this); })) read();
        end_if_over();
    }

    // False: the socket is closing, because `f` closed it or threw.
    template <class F>
    bool guarded(F f) {
        try {
            f();
            return close_ == Close::no;
        } catch (const std::exception& e) {
            fault(e.what());
        } catch (...) {
            fault("not a std::exception");
        }
        return false;
    }

    void fault(std::string_view what) {
        ++core_->stats.internal_errors;
        if (core_->hooks.on_exception) core_->hooks.on_exception("GET", route_.pattern, what);
        close(close_code::kInternal, "internal error");
    }

    void read() {
        reading_ = true;
        stream_.async_read_some(asio::buffer(part_),
                                [self = shared_from_this()](error_code ec, std::size_t size) {
                                    self->was_read(ec, size);
                                });
    }

    void was_read(error_code ec, std::size_t size) {
        reading_ = false;
        if (ec && close_ == Close::no) end_ = end_of(ec);
        if (!ec && close_ == Close::no && !over_ && take(size)) return read();
        end_if_over();
    }

    // A part of a message. False: the socket is closing.
    bool take(std::size_t size) {
        if (!stream_.got_text()) {
            close(close_code::kNoBinary, "text messages only");
            return false;
        }
        message_.append(part_.data(), size);
        if (!stream_.is_message_done()) return true;
        const bool goes_on = guarded([this] { session_->received(message_); });
        message_.clear();
        if (message_.capacity() > kKeptBytes) message_.shrink_to_fit();
        return goes_on;
    }

    // Called when bytes have arrived in which so many frames begin. It runs inside an operation of
    // the stream, so it must not close the socket directly.
    void came_in(std::size_t frames) {
        last_heard_ = Clock::now();
        pinged_ = false;
        if (frames_.take(frames, last_heard_) || close_ != Close::no) return;
        asio::post(core_->io, [self = shared_from_this()] {
            self->close(close_code::kPolicy, "too many messages per second");
        });
    }

    void write() {
        writing_ = true;
        write_began_ = Clock::now();
        write_deadline_ = write_began_ + limits_.write_timeout;
        at = std::min(at, write_deadline_);
        stream_.async_write(
            asio::buffer(*queue_.front()),
            [self = shared_from_this()](error_code ec, std::size_t) { self->was_written(ec); });
    }

    void was_written(error_code ec) {
        writing_ = false;
        write_deadline_ = kNever;
        forget(queue_.begin());
        if (ec) return drop();
        if (close_ == Close::no && !over_ && !queue_.empty()) write();
    }

    void forget(Queue::iterator frame) {
        queued_bytes_ -= (*frame)->size();
        core_->stats.queued_bytes -= (*frame)->size();
        queue_.erase(frame);
    }

    // Drops all frames except the one that is being written.
    void forget_waiting() {
        while (queue_.size() > (writing_ ? 1 : 0)) forget(std::prev(queue_.end()));
    }

    void must_end() {
        close_deadline_ = std::min(close_deadline_, Clock::now() + limits_.close_timeout);
        schedule();
    }

    void schedule() {
        const auto silence = limits_.idle_timeout * (pinged_ ? 2 : 1);
        at = std::min({last_heard_ + silence, write_deadline_, close_deadline_});
    }

    // A deadline has passed, or it is time to check whether the peer has been silent.
    void expired() override {
        const auto now = Clock::now();
        const bool silent = pinged_ && now - last_heard_ >= limits_.idle_timeout * 2;
        if (silent || now >= write_deadline_ || now >= close_deadline_) return drop();
        if (now - last_heard_ >= limits_.idle_timeout) ping();
        schedule();
    }

    void ping() {
        pinged_ = true;
        if (pinging_ || close_ != Close::no || !session_) return;
        pinging_ = true;
        stream_.async_ping({}, [self = shared_from_this()](error_code) { self->pinging_ = false; });
    }

    // Closes the TCP socket. All operations under way then end with an error, and with them the
    // WebSocket.
    void drop() {
        error_code ignored;
        stream_.next_layer().close(ignored);
    }

    void end_if_over() {
        if (!reading_ && close_ != Close::under_way) end();
    }

    void end() {
        if (std::exchange(over_, true)) return;
        drop();
        unlink();
        session_.reset();
        forget_waiting();
        --core_->stats.websockets;
        if (core_->hooks.on_websocket_end) core_->hooks.on_websocket_end(route_.pattern, end_);
        core_->connection_closed();
    }

    const std::shared_ptr<Core> core_;
    const WebSocketLimits& limits_;
    const Route& route_;
    websocket::stream<WatchedSocket, false> stream_;
    std::unique_ptr<WebSocketSession> session_;

    std::array<char, kReadBytes> part_;
    std::string message_;  // as far as it has arrived
    // The first frame is being written. A list, because an empty deque takes 576 bytes.
    Queue queue_;
    std::size_t queued_bytes_ = 0;  // of all frames in the queue
    TokenBucket frames_;

    Clock::time_point last_heard_ = Clock::now();
    Clock::time_point write_began_;  // of the queue's first frame
    Clock::time_point write_deadline_ = kNever;
    Clock::time_point close_deadline_ = kNever;
    Close close_ = Close::no;
    bool reading_ = false;
    bool writing_ = false;
    bool pinging_ = false;
    bool pinged_ = false;  // since the last bytes from the peer
    bool over_ = false;
    std::string end_ = "lost";
};

void Server::Core::open_websocket(tcp::socket socket, const Route& route, std::string_view key,
                                  std::string_view traceparent) {
    std::make_shared<Socket>(shared_from_this(), std::move(socket), route)
        ->accept(key, traceparent);
}

}  // namespace orderflow::http
