#include "http/probe.hpp"

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string_view>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace orderflow::http {
namespace {

constexpr timeval kPatience{2, 0};

struct Target {
    std::string host;  // without the brackets of IPv6
    std::string port = "80";
    std::string path = "/";
};

Target parse(std::string_view url) {
    constexpr std::string_view kScheme = "http://";
    if (!url.starts_with(kScheme)) throw std::invalid_argument("not http://host:port/path");
    url.remove_prefix(kScheme.size());
    Target target;
    if (const auto slash = url.find('/'); slash != url.npos) {
        target.path = url.substr(slash);
        url = url.substr(0, slash);
    }
    const auto colon = url.rfind(':');
    if (colon != url.npos && url.find(']', colon) == url.npos) {
        target.port = url.substr(colon + 1);
        url = url.substr(0, colon);
    }
    if (url.starts_with('[') && url.ends_with(']')) url = url.substr(1, url.size() - 2);
    target.host = url;
    return target;
}

class Socket {
public:
    explicit Socket(const Target& target) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        if (const int error =
                ::getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found)) {
            throw std::runtime_error(::gai_strerror(error));
        }
        const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, &::freeaddrinfo);
        for (const addrinfo* at = found; at; at = at->ai_next) {
            descriptor_ = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);
            if (descriptor_ < 0) continue;
            ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
            ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
            if (::connect(descriptor_, at->ai_addr, at->ai_addrlen) == 0) return;
            ::close(descriptor_);
        }
        throw std::runtime_error("nobody listens there");
    }
    ~Socket() { ::close(descriptor_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    void write(const std::string& text) {
        if (::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(text.size())) {
            throw std::runtime_error("the request could not be sent");
        }
    }
    // The first line of the answer.
    std::string line() {
        std::string text;
        for (char c = 0; text.size() < 200;) {
            if (::recv(descriptor_, &c, 1, 0) != 1) throw std::runtime_error("no answer in time");
            if (c == '\n') break;
            text += c;
        }
        return text;
    }

private:
    int descriptor_ = -1;
};

}  // namespace

int probe(const std::string& url) {
    try {
        const Target target = parse(url);
        Socket socket(target);
        socket.write("GET " + target.path + " HTTP/1.1\r\nHost: localhost\r\n"
                     "Connection: close\r\n\r\n");
        const std::string line = socket.line();  // HTTP/1.1 200 OK
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
