// WebSockets of the HTTP server against a client that writes its frames by hand: what is passed on,
// what closes a socket and with which code, and that nothing of a closed one is left.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "http/frame_watch.hpp"
#include "unit/websocket_lab.hpp"

using namespace orderflow::http;
using namespace orderflow::http::test;

TEST_CASE("websocket: messages arrive whole, however they were cut") {
    EchoServer echo;
    Peer peer(echo);
    peer.wire.send(text_frame("a") + text_frame("") + text_frame("주문"));
    CHECK(peer.text() == "echo a");
    CHECK(peer.text() == "echo ");
    CHECK(peer.text() == "echo 주문");

    const std::string whole = "주문 완료";  // the cut goes through a character
    peer.wire.send(frame(kText, whole.substr(0, 4)) + frame(kFinal | kPing, "hello") +
                   frame(kContinue, "") + frame(kFinal | kContinue, whole.substr(4)));
    const Frame pong = peer.receive();
    CHECK(pong.opcode == kPong);
    CHECK(pong.payload == "hello");
    CHECK(peer.text() == "echo " + whole);

    for (const char c : text_frame("byte by byte")) peer.wire.send({&c, 1});
    CHECK(peer.text() == "echo byte by byte");

    const std::string largest(16 * 1024, 'x');
    peer.wire.send(text_frame(largest));
    CHECK(peer.text() == "echo " + largest);
}

TEST_CASE("websocket: what the protocol or this server does not allow closes the socket") {
    struct Row {
        const char* name;
        std::string bytes;
        int code;
    };
    const std::string half(10'000, 'x');
    const std::string unmasked = {static_cast<char>(kFinal | kText), 1, 'x'};
    const auto long_size = [](std::uint64_t size) {
        return std::string("\x81\xff") + big_endian(size, 8) + "mask";
    };
    const auto row = GENERATE_COPY(
        Row{"unmasked frame", unmasked, 1002}, Row{"first reserved bit", frame(0xc1, "x"), 1002},
        Row{"second reserved bit", frame(0xa1, "x"), 1002},
        Row{"third reserved bit", frame(0x91, "x"), 1002},
        Row{"reserved data opcode", frame(0x83, "x"), 1002},
        Row{"reserved control opcode", frame(0x8b, "x"), 1002},
        Row{"long ping", frame(kFinal | kPing, std::string(126, 'x')), 1002},
        Row{"fragmented ping", frame(kPing, "x"), 1002},
        Row{"length with the high bit", long_size(1ULL << 63U | 5), 1002},
        Row{"length with every bit", long_size(~0ULL), 1002},
        Row{"length in more bytes than it needs", long_size(5), 1002},
        Row{"continuation of nothing", frame(kFinal | kContinue, "x"), 1002},
        Row{"message within a message", frame(kText, "x") + text_frame("y"), 1002},
        Row{"close of one byte", frame(kFinal | kClose, "x"), 1002},
        Row{"close with a code that does not exist", frame(kFinal | kClose, "\x03\x01"), 1002},
        Row{"message too large, more of it on the way", text_frame(std::string(1'000'000, 'x')),
            1009},
        Row{"message too large", text_frame(std::string(16 * 1024 + 1, 'x')), 1009},
        Row{"message far too large", long_size(1ULL << 62U), 1009},
        Row{"fragments too large together", frame(kText, half) + frame(kContinue, half), 1009},
        Row{"binary", frame(kFinal | kBinary, "x"), 1003},
        Row{"empty binary", frame(kFinal | kBinary, ""), 1003},
        Row{"not UTF-8", text_frame("\xc3\x28"), 1007},
        Row{"a surrogate", text_frame("\xed\xa0\x80"), 1007},
        Row{"overlong NUL", text_frame("\xc0\x80"), 1007},
        Row{"half a character", text_frame("\xec\xa3"), 1007});
    CAPTURE(row.name);

    std::promise<std::string> end;
    Hooks hooks;
    hooks.on_websocket_end = [&](std::string_view route, std::string_view how) {
        end.set_value(std::string(route) + " " + std::string(how));
    };
    EchoServer echo({}, hooks);
    Peer peer(echo);
    peer.wire.send(text_frame("fine"));
    CHECK(peer.text() == "echo fine");
    peer.wire.send(row.bytes);
    CHECK(peer.close_code() == row.code);
    peer.wire.finish_sending();
    CHECK(peer.wire.closed());
    CHECK(end.get_future().get() == "/ws " + std::to_string(row.code));
    CHECK(echo.server.stats().connections == 0);
    CHECK(echo.sessions() == 0);
}

TEST_CASE("websocket: the length of a frame is spoiled if its high bit is set, nothing else is") {
    FrameWatch watch;
    std::string bytes = text_frame("x") + frame(kFinal | kPing, "") +
                        text_frame(std::string(200, 'y')) + text_frame(std::string(70'000, 'z')) +
                        std::string("\x81\x7f") + big_endian(~0ULL, 8);
    std::string seen = bytes;
    std::size_t frames = 0;
    for (char& byte : seen) frames += watch.look(reinterpret_cast<std::uint8_t*>(&byte), 1);
    CHECK(frames == 5);
    CHECK(seen.substr(0, seen.size() - 8) == bytes.substr(0, bytes.size() - 8));
    CHECK(seen.substr(seen.size() - 8) == std::string(8, '\0'));

    FrameWatch at_once;
    CHECK(at_once.look(reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()) == 5);
    CHECK(bytes == seen);
}

TEST_CASE("websocket: frames come in a burst, then at their rate") {
    const std::chrono::steady_clock::time_point start{};
    TokenBucket bucket(20, 40);
    CHECK(bucket.take(40, start));
    CHECK(bucket.take(20, start + 1s));
    CHECK_FALSE(bucket.take(1, start + 1s));
    CHECK(bucket.take(40, start + 1h));
    CHECK_FALSE(bucket.take(1, start + 1h));
}

TEST_CASE("websocket: a flood of messages, pings or empty fragments is closed with 1008") {
    const std::string one = GENERATE(text_frame("x"), frame(kFinal | kPing, ""),
                                     frame(kFinal | kPong, ""), frame(kContinue, ""));
    EchoServer echo;
    Peer peer(echo);
    std::string allowed;
    for (int i = 0; i < 200; ++i) allowed += text_frame("x");
    peer.wire.send(allowed);
    for (int i = 0; i < 200; ++i) REQUIRE(peer.text() == "echo x");

    peer.wire.send(frame(kText, ""));
    if (one != frame(kContinue, "")) peer.wire.send(frame(kFinal | kContinue, ""));
    std::string flood;
    for (int i = 0; i < 200; ++i) flood += one;
    peer.wire.send(flood);
    CHECK(peer.close_code() == 1008);
    peer.wire.finish_sending();
    CHECK(peer.wire.closed());
    eventually([&] { return echo.sessions() == 0; });
}

TEST_CASE("websocket: a burst of frames is passed on, a burst of megabytes is not") {
    EchoServer echo;
    Peer peer(echo);
    peer.wire.send(text_frame("300 frames"));
    for (int i = 0; i < 300; ++i) REQUIRE(peer.text() == "frame");
    peer.wire.send(text_frame("two megabytes"));
    CHECK(peer.text() == std::string(32 * 1024, 'x'));  // the one under way goes out whole
    CHECK(peer.close_code() == 1013);
    peer.wire.finish_sending();
    CHECK(peer.wire.closed());
}

TEST_CASE("websocket: a peer that reads too slowly is told to come again") {
    WebSocketLimits limits;
    limits.queue_bytes = 100 << 20;
    std::atomic<bool> ended = false;
    Hooks hooks;
    hooks.on_websocket_end = [&](auto, std::string_view how) { ended = how == "1013"; };
    EchoServer echo(limits, hooks);
    Peer peer(echo);
    const auto text = text_of(std::string(60'000, 'x'));
    const auto stuck = [&] {  // no longer given to the kernel, so held by the queue
        echo.send_to_all(text);
        return text.use_count() > 250;
    };
    eventually(stuck);
    eventually([&] {  // once that has lasted, the queue takes no more
        const auto before = text.use_count();
        echo.send_to_all(text);
        return text.use_count() <= before && before > 1;
    });
    CHECK(peer.close_code() == 1013);
    peer.wire.finish_sending();
    eventually([&] { return ended.load(); });
}

TEST_CASE("websocket: a peer that never reads is dropped, and what waited for it is freed") {
    WebSocketLimits limits;
    limits.close_timeout = 100ms;
    EchoServer echo(limits);
    Peer peer(echo);
    const auto text = text_of(std::string(60'000, 'x'));
    std::size_t most = 0;
    eventually([&] {
        echo.send_to_all(text);
        most = std::max(most, static_cast<std::size_t>(text.use_count()));
        return echo.sessions() == 0;
    });
    CHECK(most <= 1024 * 1024 / text->size() + 1);
    eventually([&] { return text.use_count() == 1; });
    CHECK(echo.server.stats().connections == 0);
}

TEST_CASE("websocket: what waits for all peers is bounded, and who reads does not pay for it") {
    WebSocketLimits limits;
    limits.close_timeout = 100ms;
    limits.queue_frames = 100'000;
    limits.queue_bytes = 100 << 20;
    limits.queues_bytes = 1 << 20;
    EchoServer echo(limits);
    std::vector<std::unique_ptr<Peer>> silent;
    for (int i = 0; i < 3; ++i) silent.push_back(std::make_unique<Peer>(echo));
    Peer reads(echo);
    const auto text = text_of(std::string(60'000, 'x'));
    std::size_t most = 0;
    eventually([&] {
        echo.send_to_all(text);
        most = std::max(most, static_cast<std::size_t>(text.use_count()));
        CHECK(reads.text() == *text);
        return echo.sessions() == 1;
    });
    CHECK(most <= 2 * limits.queues_bytes / text->size() + 1);
    eventually([&] { return echo.server.stats().queued_bytes == 0; });
    reads.wire.send(text_frame("still here"));
    CHECK(reads.text() == "echo still here");
}

TEST_CASE("websocket: one that stays within the queue but does not read is dropped as well") {
    WebSocketLimits limits;
    limits.write_timeout = 100ms;
    limits.queue_frames = 100'000;
    limits.queue_bytes = 100 << 20;
    EchoServer echo(limits);
    Peer peer(echo);
    for (int i = 0; i < 1'000; ++i) echo.send_to_all(text_of(std::string(60'000, 'x')));
    eventually([&] { return echo.sessions() == 0; });
}

TEST_CASE("websocket: one text goes to many sockets") {
    EchoServer echo;
    std::vector<std::unique_ptr<Peer>> peers;
    for (int i = 0; i < 20; ++i) peers.push_back(std::make_unique<Peer>(echo));
    const auto text = text_of("for all");
    echo.send_to_all(text);
    for (auto& peer : peers) CHECK(peer->text() == "for all");
    eventually([&] { return text.use_count() == 1; });
}

TEST_CASE("websocket: a silent peer is pinged and, without a pong, dropped") {
    WebSocketLimits limits;
    limits.idle_timeout = 1s;  // and as long for the pong, whatever else this machine does
    EchoServer echo(limits);
    Peer alive(echo), dead(echo);
    std::atomic<int> pongs = 0;
    std::jthread answering([&](const std::stop_token& stop) {
        for (Frame got = alive.receive(); got.opcode >= 0; got = alive.receive()) {
            if (stop.stop_requested()) return;
            if (got.opcode != kPing) continue;
            alive.wire.send(frame(kFinal | kPong, ""));
            ++pongs;
        }
    });
    eventually([&] {
        echo.send_to_all(text_of("x"));  // being written to is no sign of life
        return echo.sessions() == 1;
    });
    eventually([&] { return pongs >= 2; });  // pinged again after the first pong
    CHECK(echo.sessions() == 1);
    CHECK(echo.server.stats().connections == 1);

    Frame before = dead.receive();
    while (before.opcode == kText) before = dead.receive();
    CHECK(before.opcode == kPing);
    CHECK(dead.close_code() == 0);
    answering.request_stop();
    echo.send_to_all(text_of("the last one"));
}

TEST_CASE("websocket: a session ends with its socket, however that ends") {
    std::promise<std::string> end;
    Hooks hooks;
    hooks.on_websocket_end = [&](auto, std::string_view how) { end.set_value(std::string(how)); };
    EchoServer echo({}, hooks);
    Peer peer(echo);
    CHECK(echo.sessions() == 1);
    SECTION("closed by the client") {
        peer.wire.send(frame(kFinal | kClose, "\x03\xe8"));
        CHECK(peer.close_code() == 1000);
        peer.wire.finish_sending();
        CHECK(end.get_future().get() == "client");
    }
    SECTION("the client is gone") {
        peer.wire.finish_sending();
        CHECK(end.get_future().get() == "lost");
    }
    SECTION("reset") {
        peer.wire.reset();
        CHECK(end.get_future().get() == "lost");
    }
    SECTION("closed by the service") {
        echo.server.on_io_thread([&] {
            (*echo.open.begin())->close(4000, std::string(200, 'r'));
            (*echo.open.begin())->close(4001, "only the first one counts");
            (*echo.open.begin())->send(text_of("too late"));
            return true;
        });
        CHECK(peer.close_code() == 4000);
        peer.wire.finish_sending();
        CHECK(end.get_future().get() == "4000");
    }
    CHECK(echo.sessions() == 0);
    CHECK(echo.server.stats().websockets == 0);
    CHECK(echo.server.stats().connections == 0);
}

TEST_CASE("websocket: a session that throws closes its own socket only, without the text") {
    Hooks hooks;
    std::promise<std::string> reported;
    hooks.on_exception = [&](std::string_view method, std::string_view route, auto what) {
        reported.set_value(std::string(method) + " " + std::string(route) + " " +
                           std::string(what));
    };
    EchoServer echo({}, hooks);
    Peer other(echo), peer(echo);
    peer.wire.send(text_frame("throw"));
    const Frame close = peer.receive();
    CHECK(close.opcode == kClose);
    CHECK(close.payload == "\x03\xf3internal error");
    CHECK(reported.get_future().get() == "GET /ws secret");
    CHECK(echo.server.stats().internal_errors == 1);
    other.wire.send(text_frame("x"));
    CHECK(other.text() == "echo x");
}

TEST_CASE("websocket: an orderly stop says 1001, waits for the answers, and not for ever") {
    WebSocketLimits limits;
    limits.close_timeout = 100ms;
    EchoServer echo(limits);
    auto& io = echo.server.io;
    auto& server = *echo.server.server;
    Peer polite(echo), deaf(echo);
    server.stop();
    CHECK_FALSE(asio::co_spawn(io, server.drained(1ms), asio::use_future).get());
    CHECK(polite.close_code() == 1001);
    polite.wire.finish_sending();
    CHECK(polite.wire.closed());
    CHECK(asio::co_spawn(io, server.drained(5s), asio::use_future).get());
    CHECK(echo.sessions() == 0);
    CHECK(deaf.close_code() == 1001);
    CHECK(deaf.wire.closed());
}

TEST_CASE("websocket: a server that is destroyed ends its sessions at once") {
    EchoServer echo;
    Peer peer(echo);
    CHECK(echo.server.on_io_thread([&] {
        echo.server.server.reset();
        return echo.open.empty();
    }));
    CHECK(peer.close_code() == 0);
}
