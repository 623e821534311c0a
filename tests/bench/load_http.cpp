#include "bench/load_http.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <stdexcept>
#include <strings.h>
#include <system_error>
#include <utility>

namespace orderflow::bench {
namespace {

constexpr std::size_t largest_response = 1 << 20;

bool same(std::string_view name, std::string_view expected) {
    return name.size() == expected.size() &&
           strncasecmp(name.data(), expected.data(), name.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

template <class T>
bool to_number(std::string_view text, T& value, int base = 10) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    return error == std::errc{} && stop == end;
}

}  // namespace

std::span<char> ResponseReader::free_space() {
    if (used_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
    return {buffer_.data() + used_, buffer_.size() - used_};
}

ResponseReader::State ResponseReader::added(std::size_t bytes) {
    used_ += bytes;
    const std::string_view all{buffer_.data(), used_};
    if (body_from_ == 0) {
        const auto end = all.find("\r\n\r\n");
        if (end == std::string_view::npos) {
            return used_ < largest_response ? State::Incomplete : State::Broken;
        }
        if (!read_head(all.substr(0, end))) return State::Broken;
        body_from_ = end + 4;
    }
    const auto rest = all.substr(body_from_);
    if (chunked_) return read_chunks(rest);
    if (rest.size() < content_length_) return State::Incomplete;
    // More bytes than announced would be an answer to a request that was never sent.
    if (rest.size() > content_length_) return State::Broken;
    body_ = rest;
    return State::Complete;
}

void ResponseReader::restart() {
    used_ = 0;
    body_from_ = 0;
    content_length_ = 0;
    chunked_ = false;
    keep_alive_ = true;
    status_ = 0;
    body_ = {};
}

bool ResponseReader::read_head(std::string_view head) {
    if (!head.starts_with("HTTP/1.") || head.size() < 12) return false;
    if (!to_number(head.substr(9, 3), status_)) return false;
    for (auto line_end = head.find("\r\n"); line_end != std::string_view::npos;) {
        head.remove_prefix(line_end + 2);
        line_end = head.find("\r\n");
        const auto line = head.substr(0, line_end);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return false;
        const auto name = line.substr(0, colon);
        const auto value = trimmed(line.substr(colon + 1));
        if (same(name, "content-length")) {
            if (!to_number(value, content_length_)) return false;
            if (content_length_ > largest_response) return false;
        } else if (same(name, "transfer-encoding")) {
            chunked_ = same(value, "chunked");
        } else if (same(name, "connection")) {
            keep_alive_ = !same(value, "close");
        }
    }
    return true;
}

ResponseReader::State ResponseReader::read_chunks(std::string_view rest) {
    joined_.clear();
    for (;;) {
        const auto line_end = rest.find("\r\n");
        if (line_end == std::string_view::npos) return State::Incomplete;
        std::size_t size = 0;
        const auto digits = rest.substr(0, line_end);
        if (!to_number(digits.substr(0, digits.find(';')), size, 16)) return State::Broken;
        if (size > largest_response) return State::Broken;
        if (rest.size() < line_end + 2 + size + 2) return State::Incomplete;
        if (size == 0) {
            body_ = joined_;
            return State::Complete;
        }
        joined_.append(rest.substr(line_end + 2, size));
        rest.remove_prefix(line_end + 2 + size + 2);
    }
}

int connect_socket(const std::string& host, const std::string& port, bool blocking) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
        throw std::runtime_error(host + ":" + port + ": " + gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> address(found, &freeaddrinfo);
    const int type = SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK);
    const int fd = socket(address->ai_family, type, 0);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) {
        const int error = errno;
        close(fd);
        throw std::system_error(error, std::generic_category(), host + ":" + port);
    }
    return fd;
}

BlockingClient::BlockingClient(std::string host, std::string port)
    : host_(std::move(host)), port_(std::move(port)) {}

BlockingClient::~BlockingClient() { disconnect(); }

void BlockingClient::disconnect() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
}

BlockingClient::Answer BlockingClient::get(const std::string& path) {
    if (fd_ < 0) fd_ = connect_socket(host_, port_, true);
    const std::string request =
        "GET " + path + " HTTP/1.1\r\nHost: " + host_ + ":" + port_ + "\r\n\r\n";
    if (send(fd_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
        throw std::system_error(errno, std::generic_category(), "GET " + path);
    }
    reader_.restart();
    for (auto state = ResponseReader::State::Incomplete;;) {
        const auto space = reader_.free_space();
        const auto received = recv(fd_, space.data(), space.size(), 0);
        if (received <= 0) throw std::runtime_error("GET " + path + ": connection lost");
        state = reader_.added(static_cast<std::size_t>(received));
        if (state == ResponseReader::State::Broken) {
            throw std::runtime_error("GET " + path + ": not an HTTP answer");
        }
        if (state == ResponseReader::State::Complete) break;
    }
    Answer answer{reader_.status(), std::string(reader_.body())};
    if (!reader_.keep_alive()) disconnect();
    return answer;
}

}  // namespace orderflow::bench
