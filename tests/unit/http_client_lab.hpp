#pragma once
// What the tests of http::Client share: a client in its own thread, and servers that misbehave.

#include <filesystem>
#include <fstream>
#include <mutex>
#include <vector>

#include <unistd.h>

#include "http/client.hpp"
#include "unit/http_lab.hpp"

namespace orderflow::http::test {

// A client in its own thread, called from the test's.
struct TestClient {
    explicit TestClient(const ClientSettings& settings, ClientLimits limits = {})
        : work(asio::make_work_guard(io)),
          client(std::in_place, io, settings, limits),
          thread([this] { io.run(); }) {}
    explicit TestClient(unsigned short port, ClientLimits limits = {},
                        const std::string& host = "127.0.0.1")
        : TestClient(to("http://" + host + ":" + std::to_string(port)), limits) {}
    ~TestClient() {
        io.stop();
        thread.join();
    }
    static ClientSettings to(std::string origin) {
        ClientSettings settings;
        settings.origin = std::move(origin);
        return settings;
    }
    std::future<ClientResult> start(std::string method, std::string target, std::string body = "",
                                    std::chrono::milliseconds timeout = 5s) {
        return asio::co_spawn(io, client->request(method, target, body, timeout), asio::use_future);
    }
    ClientResult call(std::string method, std::string target, std::string body = "",
                      std::chrono::milliseconds timeout = 5s) {
        return start(method, target, body, timeout).get();
    }

    asio::io_context io;
    asio::executor_work_guard<asio::io_context::executor_type> work;
    std::optional<Client> client;
    std::jthread thread;
};

// Accepts connections and treats each with `script`, one after the other.
struct FakeServer {
    explicit FakeServer(std::function<void(tcp::socket&, int)> script,
                        asio::ip::address address = asio::ip::address_v4::loopback())
        : acceptor(io, tcp::endpoint(address, 0)), thread([this, script](std::stop_token stop) {
              for (int n = 0; !stop.stop_requested(); ++n) {
                  boost::system::error_code ec;
                  tcp::socket socket = acceptor.accept(ec);
                  if (ec || stop.stop_requested()) return;
                  script(socket, n);
              }
          }) {}
    ~FakeServer() {
        thread.request_stop();
        asio::io_context other;
        tcp::socket wake(other);
        boost::system::error_code ignored;
        wake.connect(acceptor.local_endpoint(), ignored);
    }
    unsigned short port() { return acceptor.local_endpoint().port(); }

    asio::io_context io;
    tcp::acceptor acceptor;
    std::jthread thread;
};

inline std::string read_request(tcp::socket& socket) {
    std::string bytes(4096, '\0');
    boost::system::error_code ignored;
    bytes.resize(socket.read_some(asio::buffer(bytes), ignored));
    return bytes;
}

inline const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

inline void write(tcp::socket& socket, const std::string& bytes) {
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(bytes), ignored);
}

// What arrived, from another thread.
class Received {
public:
    void add(std::string text) {
        const std::lock_guard lock(mutex_);
        texts_.push_back(std::move(text));
    }
    std::vector<std::string> texts() const {
        const std::lock_guard lock(mutex_);
        return texts_;
    }
    std::size_t size() const { return texts().size(); }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> texts_;
};

struct TemporaryDirectory {
    TemporaryDirectory() {
        std::string pattern = std::filesystem::temp_directory_path() / "http-client-test-XXXXXX";
        path = ::mkdtemp(pattern.data());
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path); }
    // As whoever rotates a secret does it: a new file takes the old one's place.
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path / "new") << text;
        std::filesystem::rename(path / "new", path / name);
        return path / name;
    }
    std::filesystem::path path;
};

}  // namespace orderflow::http::test
