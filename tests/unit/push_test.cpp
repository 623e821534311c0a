// The dashboard's figures for everybody who looks: how often they are read, and who gets them.
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch_test_macros.hpp>

#include "analytics/timeline/push.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::analytics;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using std::chrono::steady_clock;
using Texts = std::vector<std::string>;

// A socket that keeps what it is sent.
class Socket final : public http::WebSocket {
public:
    void send(std::shared_ptr<const std::string> text) override {
        received.push_back(*text);
        if (on_frame) on_frame();
    }
    void close(std::uint16_t, std::string_view) override {}

    Texts received;
    std::function<void()> on_frame;
    std::unique_ptr<http::WebSocketSession> session;
};

struct Lab {
    static constexpr std::chrono::milliseconds kEvery{30};

    asio::io_context io;
    std::vector<steady_clock::time_point> reads;
    std::function<std::string()> say = [this] { return std::to_string(reads.size()); };
    std::shared_ptr<Push> push = std::make_shared<Push>(io, [this] { return read(); }, kEvery);

    asio::awaitable<std::string> read() {
        reads.push_back(steady_clock::now());
        co_return say();
    }
    void open(Socket& socket) { socket.session = push->join(socket); }
    // Not while a frame is sent.
    void close(Socket& socket) {
        asio::post(io, [&socket] { socket.session.reset(); });
    }
};

TEST_CASE("push: one reading goes to all sockets, at most once per second") {
    Lab lab;
    Socket first, second, late;
    lab.open(first);
    lab.open(second);
    first.on_frame = [&] {
        if (first.received.size() == 2) asio::post(lab.io, [&] { lab.open(late); });
        if (first.received.size() < 4) return;
        for (Socket* socket : {&first, &second, &late}) lab.close(*socket);
    };
    lab.io.run();  // until nobody is connected
    CHECK(first.received == Texts{"1", "2", "3", "4"});
    CHECK(second.received == first.received);
    CHECK(late.received == Texts{"2", "3", "4"});  // the first at once, and nothing read for it
    REQUIRE(lab.reads.size() == 4);
    for (std::size_t i = 1; i < 4; ++i) CHECK(lab.reads[i] - lab.reads[i - 1] >= Lab::kEvery);
}

TEST_CASE("push: who comes and goes again does not bring readings closer together") {
    Lab lab;
    Socket socket;
    int visits = 0;
    socket.on_frame = [&] {
        asio::post(lab.io, [&] {
            socket.session.reset();
            if (++visits < 50) lab.open(socket);
        });
    };
    lab.open(socket);
    lab.io.run();
    CHECK(visits == 50);
    for (std::size_t i = 1; i < lab.reads.size(); ++i) {
        CHECK(lab.reads[i] - lab.reads[i - 1] >= Lab::kEvery);
    }
    CHECK(lab.reads.size() < 50);
}

TEST_CASE("push: figures that have not changed are sent again every third time") {
    Lab lab;
    std::vector<std::size_t> sent_by;  // how many readings there were
    lab.say = [&] { return lab.reads.size() < 9 ? "same" : "other"; };
    Socket socket;
    lab.open(socket);
    socket.on_frame = [&] {
        sent_by.push_back(lab.reads.size());
        if (sent_by.size() == 4) lab.close(socket);
    };
    lab.io.run();
    CHECK(socket.received == Texts{"same", "same", "same", "other"});
    CHECK(sent_by == std::vector<std::size_t>{1, 4, 7, 9});
}

TEST_CASE("push: while the figures cannot be read nobody is sent old ones") {
    Lab lab;
    Socket socket, late;
    lab.say = [&]() -> std::string {
        if (lab.reads.size() == 4) asio::post(lab.io, [&] { lab.open(late); });
        if (lab.reads.size() >= 2 && lab.reads.size() < 9) throw std::runtime_error("no database");
        return "same";
    };
    std::vector<std::size_t> sent_by;
    lab.open(socket);
    late.on_frame = [&] { sent_by.push_back(lab.reads.size()); };
    socket.on_frame = [&] {
        if (socket.received.size() < 2) return;
        for (Socket* each : {&socket, &late}) lab.close(*each);
    };
    lab.io.run();
    CHECK(socket.received == Texts{"same", "same"});
    CHECK(sent_by == std::vector<std::size_t>{9});
    CHECK(lab.reads.size() == 9);
}

// Readings that take 5 ms each.
struct Board {
    explicit Board(std::chrono::milliseconds fresh)
        : readings(std::make_shared<Readings>([this] { return read(); }, fresh)) {}

    asio::io_context io;
    int reads = 0;
    bool fails = false;
    const std::shared_ptr<Readings> readings;
    Texts heard;

    asio::awaitable<Reading> read() {
        const int number = ++reads;
        asio::steady_timer timer(io, 5ms);
        co_await timer.async_wait(asio::use_awaitable);
        if (fails) throw std::runtime_error("no database");
        co_return Reading{std::to_string(number), ""};
    }
    asio::awaitable<void> ask() {
        try {
            const auto reading = co_await readings->get();
            heard.push_back(reading->board);
        } catch (const std::exception& error) {
            heard.push_back(error.what());
        }
    }
    // What they hear who ask at once.
    Texts ask(std::size_t askers) {
        heard.clear();
        for (std::size_t i = 0; i < askers; ++i) asio::co_spawn(io, ask(), asio::detached);
        io.restart();
        io.run();
        return heard;
    }
};

TEST_CASE("push: who asks during a reading, or soon after it, shares it") {
    Board board(1h);
    CHECK(board.ask(20) == Texts(20, "1"));
    CHECK(board.ask(20) == Texts(20, "1"));
    CHECK(board.reads == 1);
}

TEST_CASE("push: an old reading is given to nobody") {
    Board board(0ms);
    CHECK(board.ask(20) == Texts(20, "1"));
    CHECK(board.ask(20) == Texts(20, "2"));
}

TEST_CASE("push: a reading that failed is told to all who wait for it, and not kept") {
    Board board(1h);
    board.fails = true;
    CHECK(board.ask(3) == Texts(3, "no database"));
    CHECK(board.reads == 1);
    board.fails = false;
    CHECK(board.ask(3) == Texts(3, "2"));
}

}  // namespace
