#pragma once
// What the tests of WebSockets share: a session that echoes and lets a test get at its socket, and
// a client that writes frames by hand.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "http/websocket.hpp"
#include "unit/http_lab.hpp"

namespace orderflow::http::test {

inline const std::string handshake_head =
    "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n";
inline const std::string sample_key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
inline const std::string version_13 = "Sec-WebSocket-Version: 13\r\n";
inline const std::string handshake = handshake_head + sample_key + version_13 + "\r\n";

inline std::shared_ptr<const std::string> text_of(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
}

// The sockets that are open; io thread.
using OpenSockets = std::set<WebSocket*>;

class EchoSession : public WebSocketSession {
public:
    EchoSession(WebSocket& socket, OpenSockets& open) : socket_(socket), open_(open) {
        open_.insert(&socket_);
    }
    ~EchoSession() override { open_.erase(&socket_); }

    void received(std::string_view text) override {
        if (text == "throw") throw std::runtime_error("secret");
        if (text == "300 frames") {
            for (int i = 0; i < 300; ++i) socket_.send(text_of("frame"));
        } else if (text == "two megabytes") {
            for (int i = 0; i < 64; ++i) socket_.send(text_of(std::string(32 * 1024, 'x')));
        } else {
            socket_.send(text_of("echo " + std::string(text)));
        }
    }

private:
    WebSocket& socket_;
    OpenSockets& open_;
};

// A server whose WebSockets on /ws echo.
struct EchoServer {
    explicit EchoServer(WebSocketLimits limits = {}, Hooks hooks = {},
                        std::vector<std::string> allowed_origins = {})
        : server(
              limits_of(limits, std::move(allowed_origins)), std::move(hooks),
              [this](WebSocket& socket) { return std::make_unique<EchoSession>(socket, open); }) {}

    static Limits limits_of(WebSocketLimits websocket, std::vector<std::string> allowed_origins) {
        Limits limits;
        limits.websocket = websocket;
        limits.allowed_origins = std::move(allowed_origins);
        return limits;
    }
    std::size_t sessions() {
        return server.on_io_thread([this] { return open.size(); });
    }
    void send_to_all(std::shared_ptr<const std::string> text) {
        server.on_io_thread([&] {
            for (WebSocket* socket : open) socket->send(text);
            return true;
        });
    }

    OpenSockets open;  // outlives the server
    TestServer server;
};

enum Opcode : std::uint8_t { kContinue = 0, kText = 1, kBinary = 2, kClose = 8, kPing, kPong };
constexpr std::uint8_t kFinal = 0x80;

inline std::string big_endian(std::uint64_t value, int bytes) {
    std::string text;
    for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
    return text;
}

// A client's frame, well formed and masked if `first` is.
inline std::string frame(std::uint8_t first, std::string payload) {
    constexpr std::string_view kMask = "\x12\x34\x56\x78";
    std::string bytes(1, static_cast<char>(first));
    const auto size = [&](unsigned code) { bytes += static_cast<char>(0x80U | code); };
    if (payload.size() < 126) {
        size(static_cast<unsigned>(payload.size()));
    } else if (payload.size() < 65'536) {
        size(126);
        bytes += big_endian(payload.size(), 2);
    } else {
        size(127);
        bytes += big_endian(payload.size(), 8);
    }
    bytes += kMask;
    for (std::size_t i = 0; i < payload.size(); ++i) {
        payload[i] = static_cast<char>(payload[i] ^ kMask[i % 4]);
    }
    return bytes + payload;
}

inline std::string text_frame(std::string text) { return frame(kFinal | kText, std::move(text)); }

struct Frame {
    int opcode = -1;  // -1: the connection ended instead
    std::string payload;
};

// An open WebSocket, client side.
class Peer {
public:
    explicit Peer(unsigned short port) : wire(port) {
        wire.send(handshake);
        REQUIRE(wire.receive(true).status == 101);
    }
    explicit Peer(EchoServer& echo) : Peer(echo, echo.sessions()) {}

    Frame receive() {
        const std::string head = wire.take(2);
        if (head.size() < 2) return {};
        std::size_t size = static_cast<unsigned char>(head[1]);
        if (size == 126) {
            const std::string length = wire.take(2);
            size = static_cast<unsigned char>(length.at(0)) * 256U +
                   static_cast<unsigned char>(length.at(1));
        }
        return {head[0] & 0x0f, wire.take(size)};
    }
    // The next message; pings on the way to it are left unanswered.
    std::string text() {
        Frame frame = receive();
        while (frame.opcode == kPing) frame = receive();
        return frame.opcode == kText ? frame.payload : "opcode " + std::to_string(frame.opcode);
    }
    // Reads on until the close frame; 0 if the connection ends without one. Answers it.
    int close_code() {
        for (;;) {
            const Frame last = receive();
            if (last.opcode < 0) return 0;
            if (last.opcode != kClose) continue;
            wire.send(frame(kFinal | kClose, last.payload));
            return last.payload.size() < 2 ? 1005
                                           : static_cast<unsigned char>(last.payload[0]) * 256 +
                                                 static_cast<unsigned char>(last.payload[1]);
        }
    }

    Wire wire;

private:
    Peer(EchoServer& echo, std::size_t before) : Peer(echo.server.port) {
        eventually([&] { return echo.sessions() > before; });  // the 101 may come first
    }
};

}  // namespace orderflow::http::test
