#include "http/probe.hpp"

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string_view>

#include "core/blocking_socket.hpp"

namespace orderflow::http {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{2};  // for the whole answer, and for connecting

// "HTTP/1.1 200 OK"
std::string first_line(const BlockingSocket& socket) {
    const auto until = steady_clock::now() + kPatience;
    std::string text;
    for (char c = 0; text.size() < 200;) {
        if (!socket.read(c) || steady_clock::now() > until) {
            throw std::runtime_error("no answer in time");
        }
        if (c == '\n') break;
        text += c;
    }
    return text;
}

}  // namespace

int probe(const std::string& url) {
    constexpr std::string_view kScheme = "http://";
    try {
        if (!url.starts_with(kScheme)) throw std::invalid_argument("not http://host:port/path");
        const auto slash = url.find('/', kScheme.size());
        const std::string path = slash == url.npos ? "/" : url.substr(slash);
        const BlockingSocket socket(Address::parse(url), kPatience);
        if (!socket.write("GET " + path +
                          " HTTP/1.1\r\nHost: localhost\r\n"
                          "Connection: close\r\n\r\n")) {
            throw std::runtime_error("the request could not be sent");
        }
        const std::string line = first_line(socket);
        if (line.starts_with("HTTP/1.1 2")) return 0;
        throw std::runtime_error(line);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", url.c_str(), error.what());
        return 1;
    }
}

std::optional<int> probe_of(int argc, char** argv) {
    if (argc != 3 || std::string_view(argv[1]) != "--probe") return std::nullopt;
    return probe(argv[2]);
}

}  // namespace orderflow::http
