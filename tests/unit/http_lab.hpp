#pragma once
// What the tests of libs/http share: a server in this process on a free port, and a client that
// sends raw bytes, so also what a client must not be able to do.

#include <sys/socket.h>
#include <sys/time.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch_test_macros.hpp>

#include "core/unavailable.hpp"
#include "http/router.hpp"
#include "http/server.hpp"

namespace orderflow::http::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace std::string_literals;
using tcp = asio::ip::tcp;

inline asio::awaitable<Response> echo(Request request) {
    co_return json_response(200, request.method + " " + request.body);
}

inline asio::awaitable<Response> show_param(Request request) {
    co_return json_response(200, request.param("id") + request.query_param("q").value_or(""));
}

inline asio::awaitable<Response> big(Request) {
    co_return json_response(200, std::string(3 << 20, 'x'));
}

inline asio::awaitable<Response> unavailable(Request) {
    throw Unavailable("connection to 10.1.2.3 lost");
    co_return Response();
}

inline asio::awaitable<Response> broken(Request) {
    throw std::runtime_error("secret");
    co_return Response();
}

inline asio::awaitable<Response> split_header(Request) {
    Response response = json_response(200, "{}");
    response.headers.emplace_back("Location", "/a\r\nSet-Cookie: x");
    co_return response;
}

// Answers when the test says so.
struct Gate {
    std::atomic<int> waiting = 0;
    std::atomic<bool> open = false;

    asio::awaitable<Response> wait(Request) {
        ++waiting;
        asio::steady_timer timer(co_await asio::this_coro::executor);
        while (!open) {
            timer.expires_after(1ms);
            co_await timer.async_wait(asio::use_awaitable);
        }
        --waiting;
        co_return json_response(200, "\"late\"");
    }
};

inline void eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(1ms);
    }
    REQUIRE(condition());
}

struct TestServer {
    explicit TestServer(Limits limits = {}, Hooks hooks = {}, WebSocketFactory websocket = {}) {
        Router router;
        if (websocket) router.websocket("/ws", std::move(websocket));
        router.get("/echo", echo);
        router.post("/echo", echo);
        router.post("/small", echo, {.body_limit_bytes = 10});
        router.post("/anything", echo, {.body_limit_bytes = 0, .content_type = ""});
        router.get("/things/{id}", show_param);
        router.get("/big", big);
        router.get("/unavailable", unavailable);
        router.get("/broken", broken);
        router.get("/split-header", split_header);
        router.get("/late", [this](Request r) { return gate.wait(std::move(r)); });
        router.post("/late", [this](Request r) { return gate.wait(std::move(r)); });
        server.emplace(io, std::move(router), limits, std::move(hooks));
        port = server->listen("127.0.0.1", 0);
        thread = std::jthread([this] { io.run(); });
    }
    ~TestServer() {
        gate.open = true;
        io.stop();
        thread.join();
    }
    template <class F>
    auto on_io_thread(F f) {
        std::promise<decltype(f())> promise;
        asio::post(io, [&] { promise.set_value(f()); });
        return promise.get_future().get();
    }
    ServerStats stats() {
        return on_io_thread([this] { return server->stats(); });
    }

    Gate gate;
    asio::io_context io;
    std::optional<Server> server;
    unsigned short port = 0;
    std::jthread thread;
};

struct Answer {
    int status = 0;  // 0: the connection was closed instead
    std::string head;
    std::string body;
    bool has(std::string_view text) const { return (head + body).find(text) != std::string::npos; }
};

// A client without manners.
class Wire {
public:
    explicit Wire(unsigned short port) : socket_(io_) {
        socket_.connect({asio::ip::address_v4::loopback(), port});
        const timeval limit{5, 0};
        setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    void send(std::string_view bytes) {
        boost::system::error_code ec;  // the server may have closed already
        asio::write(socket_, asio::buffer(bytes), ec);
        send_failed = send_failed || ec;
    }
    void finish_sending() { socket_.shutdown(tcp::socket::shutdown_send); }

    Answer receive(bool head_only = false) {
        Answer answer;
        std::size_t end = 0;
        while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
            if (!more()) return answer;
        }
        answer.head = in_.substr(0, end + 4);
        in_.erase(0, end + 4);
        answer.status = std::stoi(answer.head.substr(9, 3));
        const std::size_t field = answer.head.find("Content-Length: ");
        std::size_t length = 0;
        if (!head_only && field != std::string::npos) {
            length = std::stoul(answer.head.substr(field + 16));
        }
        while (in_.size() < length) {
            if (!more()) return {};
        }
        answer.body = in_.substr(0, length);
        in_.erase(0, length);
        return answer;
    }
    // That many bytes; fewer if the connection ends before.
    std::string take(std::size_t size) {
        while (in_.size() < size && more()) {}
        std::string bytes = in_.substr(0, size);
        in_.erase(0, size);
        return bytes;
    }
    // The connection ends at once, without a goodbye.
    void reset() {
        socket_.set_option(asio::socket_base::linger(true, 0));
        socket_.close();
    }
    bool send_failed = false;
    bool closed() { return in_.empty() && !more() && !timed_out_; }

private:
    bool more() {
        std::string chunk(65536, '\0');
        const auto n = ::recv(socket_.native_handle(), chunk.data(), chunk.size(), 0);
        timed_out_ = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        if (n > 0) in_.append(chunk, 0, static_cast<std::size_t>(n));
        return n > 0;
    }
    asio::io_context io_;
    tcp::socket socket_;
    std::string in_;
    bool timed_out_ = false;
};

inline std::string post(std::string_view path, std::string_view body) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" +
           "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

inline const std::string json_head =
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

}  // namespace orderflow::http::test
