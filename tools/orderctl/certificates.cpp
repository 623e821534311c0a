#include "orderctl/certificates.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string_view>

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "orderctl/connect.hpp"

namespace orderflow::orderctl {
namespace {

constexpr timeval kPatience{3, 0};  // for each step of it

template <auto free>
struct Freer {
    template <class T>
    void operator()(T* value) const {
        free(value);
    }
};
using Certificate = std::unique_ptr<X509, Freer<&X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freer<&SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freer<&SSL_free>>;
using File = std::unique_ptr<std::FILE, Freer<&std::fclose>>;

int days_left(const X509* certificate) {
    int days = 0, seconds = 0;
    if (!ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate))) {
        throw CannotDo("a certificate without a readable end");
    }
    return seconds < 0 ? days - 1 : days;
}

class Socket {
public:
    Socket(const std::string& host, const std::string& port) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found)) {
            throw CannotDo(host + ": " + ::gai_strerror(error));
        }
        const std::unique_ptr<addrinfo, Freer<&::freeaddrinfo>> owner(found);
        for (const addrinfo* at = found; at; at = at->ai_next) {
            descriptor_ = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);
            if (descriptor_ < 0) continue;
            ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
            ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
            if (::connect(descriptor_, at->ai_addr, at->ai_addrlen) == 0) return;
            ::close(descriptor_);
        }
        throw CannotDo("nobody answers at " + host + ":" + port);
    }
    ~Socket() { ::close(descriptor_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    int descriptor() const { return descriptor_; }

    // The protocol's SSLRequest: length 8, code 80877103; the answer is one letter.
    void ask_postgres_for_tls() {
        constexpr std::string_view kRequest("\x00\x00\x00\x08\x04\xd2\x16\x2f", 8);
        char answer = 0;
        if (::send(descriptor_, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) != 8 ||
            ::recv(descriptor_, &answer, 1, 0) != 1 || answer != 'S') {
            throw CannotDo("PostgreSQL speaks no TLS");
        }
    }

private:
    int descriptor_ = -1;
};

}  // namespace

std::optional<int> days_left_in(const std::string& file) {
    const File in(std::fopen(file.c_str(), "re"));
    if (!in) return std::nullopt;
    std::optional<int> least;
    while (const Certificate certificate{PEM_read_X509(in.get(), nullptr, nullptr, nullptr)}) {
        const int days = days_left(certificate.get());
        least = least ? std::min(*least, days) : days;
    }
    ERR_clear_error();
    return least;
}

int days_left_at(const std::string& host, const std::string& port, Handshake handshake) {
    Socket socket(host, port);
    if (handshake == Handshake::postgres) socket.ask_postgres_for_tls();
    const Context context(SSL_CTX_new(TLS_client_method()));
    const Session session(SSL_new(context.get()));
    SSL_set_fd(session.get(), socket.descriptor());
    SSL_set_tlsext_host_name(session.get(), host.c_str());
    // A server that wants our certificate, too, has shown its own by then.
    const int connected = SSL_connect(session.get());
    const Certificate certificate(SSL_get1_peer_certificate(session.get()));
    ERR_clear_error();
    if (!certificate) {
        throw CannotDo(host + ":" + port + (connected == 1 ? " shows no certificate"
                                                           : " does not speak TLS"));
    }
    return days_left(certificate.get());
}

}  // namespace orderflow::orderctl
