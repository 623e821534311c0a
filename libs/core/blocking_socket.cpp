#include "core/blocking_socket.hpp"

#include <memory>
#include <stdexcept>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace orderflow {

BlockingSocket::BlockingSocket(const Address& address, std::chrono::seconds patience) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error =
            ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found)) {
        throw std::runtime_error(address.host + ": " + ::gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, &::freeaddrinfo);
    const timeval at_most{patience.count(), 0};
    for (const addrinfo* at = found; at; at = at->ai_next) {
        descriptor_ = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);
        if (descriptor_ < 0) continue;
        ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &at_most, sizeof at_most);
        ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &at_most, sizeof at_most);
        if (::connect(descriptor_, at->ai_addr, at->ai_addrlen) == 0) return;
        ::close(descriptor_);
    }
    throw std::runtime_error("no answer from " + address.host + ":" + address.port);
}

BlockingSocket::~BlockingSocket() { ::close(descriptor_); }

bool BlockingSocket::write(std::string_view bytes) const {
    return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
}

bool BlockingSocket::read(char& byte) const { return ::recv(descriptor_, &byte, 1, 0) == 1; }

}  // namespace orderflow
