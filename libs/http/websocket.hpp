#pragma once
// WebSocket (RFC 6455) of the HTTP server, as a service sees it: text messages in, text frames out.
// Router::websocket() adds a route. For every socket that a client opens on it, the factory makes a
// session, which lives until the socket is closed or lost. All on the io thread.
//
// What a client can rely on: text only, no compression; a ping after `idle_timeout` of silence, and
// the end of the connection after as much silence again. The codes of a close: 1001 the server
// stops, 1002 protocol error, 1003 binary message, 1007 not UTF-8, 1008 too many frames per second,
// 1009 message too large, 1011 a fault of the server, 1013 the client reads frames too slowly (it
// may connect again and resume). A peer that does not answer a close is dropped.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace orderflow::http {

namespace close_code {
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kNoBinary = 1003;
inline constexpr std::uint16_t kPolicy = 1008;
inline constexpr std::uint16_t kInternal = 1011;
inline constexpr std::uint16_t kTryAgainLater = 1013;
}  // namespace close_code

struct WebSocketLimits {
    std::size_t sockets = 12'288;                 // open at once; above: 503
    std::size_t message_bytes = 16 * 1024;        // of a client's message; above: closed with 1009
    std::size_t queue_bytes = 1024 * 1024;        // not yet written; above: closed with 1013
    std::size_t queue_frames = 256;               // likewise, if the first frame is stuck
    std::size_t queues_bytes = 64 * 1024 * 1024;  // of all sockets; above: each gets an equal share
    double frames_per_second = 20;  // from the client, pings too; above: closed with 1008
    double frames_burst = 240;      // at once, so that a client can subscribe again

    // The server's sweep checks these limits, so they apply up to a quarter of a second late.
    std::chrono::milliseconds idle_timeout{30'000};   // silence → ping; as long again → dropped
    std::chrono::milliseconds write_timeout{10'000};  // for one frame; then dropped
    std::chrono::milliseconds write_patience{100};    // for one frame; then it is stuck
    std::chrono::milliseconds close_timeout{2'000};   // for the peer's answer to a close
};

// One open socket. Neither function destroys the session before it has returned.
class WebSocket {
public:
    // Sends one text frame after those that wait. `text` is UTF-8; the same text may be sent to
    // many sockets. After close() nothing is sent. A full queue closes the socket with 1013; a
    // burst alone does not fill it.
    virtual void send(std::shared_ptr<const std::string> text) = 0;

    // Drops the frames that wait, sends a close frame after the one that is being written, and ends
    // the connection. `reason` has at most 123 bytes. Only the first call has an effect.
    virtual void close(std::uint16_t code, std::string_view reason) = 0;

protected:
    ~WebSocket() = default;
};

// The service's side of a socket.
class WebSocketSession {
public:
    virtual ~WebSocketSession() = default;

    // One whole text message, valid UTF-8. An exception closes the socket with 1011.
    virtual void received(std::string_view text) = 0;
};

// Called when a socket is open; it may send at once. The WebSocket outlives the session.
using WebSocketFactory = std::function<std::unique_ptr<WebSocketSession>(WebSocket&)>;

}  // namespace orderflow::http
