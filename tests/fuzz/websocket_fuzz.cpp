// Bytes of a client on a WebSocket → its handshake (if they begin with GET), its frames, what it
// says of orders. However the bytes are cut into pieces, as many frames are seen; what the order
// service is told it answers with JSON, once for each mistake, and after five it closes.
#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/nowide/utf/utf.hpp>
#include <prometheus/counter.h>
#include <rapidjson/document.h>
#include <spdlog/spdlog.h>

#include "fuzz/fuzz.hpp"
#include "http/frame_watch.hpp"
#include "http/handshake.hpp"
#include "http/request_parser.hpp"
#include "order/notices/notices.hpp"
#include "order/notices/notifications.hpp"
#include "order/saga/saga_store.hpp"

namespace orderflow::fuzz {
namespace {

// What follows the handshake; empty if there is none that may follow.
std::string_view shake_hands(std::string_view bytes) {
    http::HeadScanner scanner;
    if (scanner.scan(bytes) != http::HeadScanner::Verdict::complete) return {};
    http::Request request;
    const http::Limits limits;
    http::RequestParser parser(request, limits);
    if (parser.parse_head(bytes.substr(0, scanner.size()))) return {};
    const auto refused = http::refuse_handshake(request, parser.http11());
    if (!refused) {
        expect(http::asks_for_websocket(request, parser.http11()), "it has asked for one");
        for (const char* name : {"Sec-WebSocket-Key", "Sec-WebSocket-Version"}) {
            expect(request.headers.count(name) == 1, "what is meant is certain");
        }
        expect(request.header("Sec-WebSocket-Key").size() == 24, "its key is 16 bytes in base64");
        return bytes.substr(scanner.size());
    }
    const bool upgrade = std::ranges::any_of(refused->headers, [](const auto& header) {
        return header.first == "Upgrade" && header.second == "websocket";
    });
    expect(refused->status == 400 || (refused->status == 426 && upgrade), "400, or 426 and why");
    return {};
}

// A frame by RFC 6455 §5.2, as far as it is there.
struct Frame {
    unsigned opcode = 0;
    bool last = false;
    bool masked = false;
    std::string payload;
    bool whole = false;
};

// Reads frames as the server must; zeroes the lengths in `bytes` that it must not believe.
std::vector<Frame> read_frames(std::string& bytes) {
    std::vector<Frame> frames;
    for (std::size_t at = 0; at < bytes.size();) {
        Frame& frame = frames.emplace_back();
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
        frame.last = (byte(at) & 0x80) != 0;
        frame.opcode = byte(at) & 0x0f;
        if (++at == bytes.size()) break;
        frame.masked = (byte(at) & 0x80) != 0;
        std::uint64_t size = byte(at++) & 0x7f;
        const std::size_t more = size == 127 ? 8 : size == 126 ? 2 : 0;
        if (more == 8 && at < bytes.size() && (byte(at) & 0x80) != 0) {
            std::memset(bytes.data() + at, 0, std::min<std::size_t>(8, bytes.size() - at));
        }
        if (bytes.size() - at < more) break;
        if (more > 0) size = 0;
        for (std::size_t i = 0; i < more; ++i) size = size << 8 | byte(at++);
        const std::size_t mask = at;
        if (frame.masked && bytes.size() - at < 4) break;
        if (frame.masked) at += 4;
        frame.whole = bytes.size() - at >= size;
        frame.payload = bytes.substr(
            at, static_cast<std::size_t>(std::min<std::uint64_t>(size, bytes.size() - at)));
        at += frame.payload.size();
        for (std::size_t i = 0; frame.masked && i < frame.payload.size(); ++i) {
            frame.payload[i] = static_cast<char>(frame.payload[i] ^ bytes[mask + i % 4]);
        }
    }
    return frames;
}

void watch(std::string bytes, std::size_t piece, std::size_t frames, const std::string& after) {
    http::FrameWatch watch;
    std::size_t seen = 0;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        seen += watch.look(reinterpret_cast<std::uint8_t*>(bytes.data()) + at,
                           std::min(piece, bytes.size() - at));
    }
    expect(seen == frames, "every frame is counted");
    expect(bytes == after, "nothing but a length that must not be is touched");
}

// Notes what the service says.
class Socket final : public http::WebSocket {
public:
    void send(std::shared_ptr<const std::string> text) override {
        rapidjson::Document said;
        said.Parse<rapidjson::kParseValidateEncodingFlag>(text->data(), text->size());
        expect(!said.HasParseError() && said.IsObject() && said["type"] == "ERROR",
               "without a database there is nothing to say but what is wrong");
        expect(said["code"].GetStringLength() > 0 && said["detail"].GetStringLength() > 0,
               "a mistake has a code and a detail");
        ++mistakes;
    }
    void close(std::uint16_t code, std::string_view reason) override {
        expect(code == http::close_code::kPolicy && reason.size() <= 123, "1008, and why");
        closed = true;
    }

    int mistakes = 0;
    bool closed = false;
};

bool is_utf8(std::string_view text) {
    using Traits = boost::nowide::utf::utf_traits<char>;
    for (const char *at = text.data(), *end = at + text.size(); at != end;) {
        if (!boost::nowide::utf::is_valid_codepoint(Traits::decode(at, end))) return false;
    }
    return true;
}

void tell(const std::vector<Frame>& frames) {
    boost::asio::io_context io;  // never run: nothing is read from the database
    postgres::Pool pool("", 0, 0);
    prometheus::Counter failures;
    const auto hub = std::make_shared<order::Notifications>(io, pool, &order::read_sagas, failures);
    Socket socket;
    const auto session = hub->open(socket);
    for (const Frame& frame : frames) {
        const bool text = frame.opcode == 1 && frame.last && frame.masked && frame.whole;
        if (!text || !is_utf8(frame.payload)) continue;  // Beast sees to these
        const int before = socket.mistakes;
        session->received(frame.payload);
        expect(socket.mistakes - before <= 1, "one answer for each mistake");
        expect(socket.closed == (socket.mistakes == 5), "the fifth closes");
        const auto order = order::order_of_topic(frame.payload);
        expect(!order || order::topic_of(*order) == frame.payload, "a topic is an order's");
        if (socket.closed) return;
    }
}

}  // namespace
}  // namespace orderflow::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace orderflow;
    std::string_view bytes = fuzz::text_of(data, size);
    if (bytes.starts_with("GET ")) bytes = fuzz::shake_hands(bytes);
    if (bytes.empty()) return 0;
    std::string after(bytes);
    const auto frames = fuzz::read_frames(after);
    for (const std::size_t piece : {bytes.size(), std::size_t{1}, std::size_t{3}}) {
        fuzz::watch(std::string(bytes), piece, frames.size(), after);
    }
    fuzz::tell(frames);
    return 0;
}
